-- saga_runners: one beat row per runner. A peer may take a runner's sagas when it has seen the
-- counter unchanged for the lease time of its own clock.

create table saga_runners (
    runner uuid not null,
    beat bigint not null,
    low_water uuid,
    start_time timestamptz not null default clock_timestamp(),
    constraint saga_runners_pkey primary key (runner),
    constraint saga_runners_beat_positive check (beat >= 1)
) with (fillfactor = 10);

comment on table saga_runners is 'Who carries sagas of this database. A row goes when its sagas have been taken over.';
comment on column saga_runners.runner is 'New with each process.';
comment on column saga_runners.beat is 'Goes up with each beat; its value says nothing about time.';
comment on column saga_runners.low_water is 'No unfinished saga of this runner has a smaller id; null: it has none.';
