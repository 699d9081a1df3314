-- sagas: the engine's own log, for sagas whose rows are nobody else's.
-- Its writes are not on a hot path, so an index of what is unfinished is worth its price.

create table sagas (
    definition text not null,
    saga_id uuid not null,
    definition_version smallint not null,
    state smallint not null,
    body jsonb not null,
    refusal jsonb,
    turn_time timestamptz,
    deadline timestamptz not null,
    runner uuid,
    epoch bigint not null,
    halt smallint,
    trouble jsonb,
    create_time timestamptz not null,
    update_time timestamptz not null,
    constraint sagas_pkey primary key (definition, saga_id),
    constraint sagas_state_known check (state in (1, 5, 6)),
    constraint sagas_epoch_positive check (epoch >= 1),
    constraint sagas_halt_known check (halt in (1, 2))
) with (fillfactor = 50);

comment on table sagas is 'One row per saga: its start, its turn and its end.';
comment on column sagas.state is '1 unfinished, 5 succeeded, 6 compensated.';
comment on column sagas.body is 'What the saga was started with, and after its end what it carried to it.';
comment on column sagas.refusal is 'Why it turned or ended refused.';
comment on column sagas.deadline is 'When an undecided saga turns.';
comment on column sagas.runner is 'Who carries it; null: nobody, so the first idle runner takes it.';
comment on column sagas.epoch is 'Goes up with each change of hands; a write with a lower one is refused.';
comment on column sagas.halt is 'null: runs; 1 PAUSED by an operator; 2 PARKED.';

create index sagas_unfinished on sagas (definition, runner) where state = 1;

create table saga_log_runners (
    definition text not null,
    runner uuid not null,
    beat bigint not null,
    constraint saga_log_runners_pkey primary key (definition, runner),
    constraint saga_log_runners_beat_positive check (beat >= 1)
);

comment on table saga_log_runners is 'Who carries sagas of a definition; a row goes when they have been given up.';
