-- Cancelling. A running order is turned in its own row, from 1 to 5 CANCELLING, and its saga undoes
-- what it took. A confirmed one is cancelled by a saga of its own, logged in the engine's table.

alter table orders
    add column refunded_minor_units bigint not null default 0,
    add column cancel_reason text,
    add column changed_by uuid,
    drop constraint orders_state_known,
    add constraint orders_state_known check (state in (1, 2, 4, 5, 6)),
    add constraint orders_refunded_in_captured check (
        refunded_minor_units between 0 and captured_minor_units
    ),
    add constraint orders_changed_while_cancelling check (changed_by is null or state = 5);

comment on column orders.state is '1 PENDING, 2 CONFIRMED, 4 REJECTED, 5 CANCELLING, 6 CANCELLED: OrderState of the wire. The saga that places the order is unfinished in 1, and in 5 where it has turned.';
comment on column orders.currency_code is 'ISO 4217; XXX for an order that was cancelled before it was ever placed, which has no lines.';
comment on column orders.rejection is 'Why it turned or was rejected: {"reason", "message", "provider_code"?, "shortages"?}; written with the turn.';
comment on column orders.refunded_minor_units is 'Money refunded so far.';
comment on column orders.cancel_reason is 'What the winning CancelOrder gave as its reason; null: nothing.';
comment on column orders.changed_by is 'The saga that changes this decided order; null: none.';

alter table order_events
    drop constraint order_events_type_known,
    drop constraint order_events_state_known,
    add constraint order_events_type_known check (type in (1, 2, 3, 4, 5)),
    add constraint order_events_state_known check (state in (1, 2, 4, 5, 6));

comment on column order_events.type is '1 PLACED, 2 CONFIRMED, 3 REJECTED, 4 CANCEL_STARTED, 5 CANCELLED.';
comment on column order_events.fact is 'What there is to say beyond the order row: of CANCEL_STARTED, what is undone, {"version", "void"?, "refund"?, "release"}; else null.';

create table order_requests (
    shard smallint not null,
    order_id uuid not null,
    method smallint not null,
    request_id text collate "C" not null,
    body jsonb not null,
    result jsonb,
    create_time timestamptz not null,
    constraint order_requests_pkey primary key (shard, order_id, method, request_id),
    constraint order_requests_method_known check (method in (1))
);

comment on table order_requests is 'Idempotency of the calls that change an order: what each key first came with, and what it did.';
comment on column order_requests.method is '1 CancelOrder.';
comment on column order_requests.body is 'The request''s fields as received, without its key.';
comment on column order_requests.result is 'What the call began: of CancelOrder, the plan as in order_events.fact; null: there was nothing left to do.';

-- The engine's own log and its signs of life, as saga/runtime/migrations has them.

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

comment on table sagas is 'One row per saga that changes a decided order: its start, its turn and its end.';
comment on column sagas.definition is 'The kind of saga: "cancel".';
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

-- Takeovers lower the mark of whoever takes over, in the same statement.

alter table saga_runners
    add column takeovers bigint not null default 0,
    add constraint saga_runners_takeovers_not_negative check (takeovers >= 0);

comment on column saga_runners.takeovers is 'Goes up with each takeover; a sign of life that has not seen the last one does not raise the mark.';
