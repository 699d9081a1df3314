-- orders: one row is the order, its saga's log and its idempotency record.
--
-- Two writes make a happy order: the insert (start) and one update (finish). The update changes no
-- indexed column, so with half of each page left free it stays on its page (HOT). States are small
-- integers with the numbers of the wire's enums.

create table orders (
    shard smallint not null,
    order_id uuid not null,
    customer_id text collate "C" not null,
    request_id text collate "C" not null,
    state smallint not null,
    version bigint not null,
    -- What was ordered, as received.
    currency_code text not null,
    total_minor_units bigint not null,
    lines jsonb not null,
    adjustments jsonb,
    metadata jsonb,
    payment_method text not null,
    capture smallint not null,
    priority smallint not null,
    decide_within_ms bigint,
    create_time timestamptz not null,
    update_time timestamptz not null,
    -- What came of it.
    rejection jsonb,
    allocations jsonb,
    captured_minor_units bigint not null default 0,
    -- The saga's log.
    definition_version smallint not null,
    deadline timestamptz not null,
    runner uuid,
    epoch bigint not null,
    turn_time timestamptz,
    turn_reason smallint,
    halt smallint,
    trouble jsonb,
    constraint orders_pkey primary key (shard, order_id),
    constraint orders_request_unique unique (shard, customer_id, request_id),
    constraint orders_state_known check (state in (1, 2, 4)),
    constraint orders_version_positive check (version >= 1),
    constraint orders_total_in_range check (total_minor_units between 0 and 1000000000000000),
    constraint orders_captured_in_total check (captured_minor_units between 0 and total_minor_units),
    constraint orders_epoch_positive check (epoch >= 1),
    constraint orders_turn_whole check ((turn_time is null) = (turn_reason is null)),
    constraint orders_rejection_explains check (
        (state <> 4 or rejection is not null) and (state <> 2 or rejection is null)
    ),
    constraint orders_halt_known check (halt in (1, 2))
) with (fillfactor = 50, autovacuum_vacuum_insert_scale_factor = 0.2);

comment on table orders is 'One row per order: what was asked, what came of it, and the log of the saga that places it.';
comment on column orders.shard is 'First 10 bits of the hash of customer_id; also the last 10 bits of order_id.';
comment on column orders.request_id is 'The key that the order was placed with, in the scope of the customer.';
comment on column orders.state is '1 PENDING, 2 CONFIRMED, 4 REJECTED: OrderState of the wire.';
comment on column orders.version is 'Starts at 1 and goes up by one with each change.';
comment on column orders.lines is 'As received, in order: [{"sku", "quantity", "unit_price", "location_id"?}]. Never changes.';
comment on column orders.adjustments is 'As received: [{"kind", "label", "amount"}]; null if none. Never changes.';
comment on column orders.metadata is 'The caller''s pairs; null if none. Never changes.';
comment on column orders.capture is '1 ON_CONFIRM, 2 ON_FULFILLMENT.';
comment on column orders.priority is '1 NORMAL, 2 HIGH, 3 LOW.';
comment on column orders.decide_within_ms is 'As received; null where the default holds.';
comment on column orders.rejection is 'Why it was turned or rejected: {"reason", "message", "provider_code"?, "shortages"?}; written with the turn.';
comment on column orders.allocations is '[{"sku", "quantity", "location_id"}] where stock came from; null when all of it came from where the lines named it, or from "default".';
comment on column orders.definition_version is 'The version of the "place" saga that the order was started with.';
comment on column orders.deadline is 'When an undecided order is turned with TIMED_OUT.';
comment on column orders.runner is 'The runner that carries the saga; null: none, so the first idle one takes it. Finish leaves it as it is.';
comment on column orders.epoch is 'Goes up with each takeover; a write with a lower one is refused.';
comment on column orders.turn_time is 'When the saga decided to compensate; null while it goes forward.';
comment on column orders.turn_reason is 'ErrorReason number of the turn.';
comment on column orders.halt is 'null: runs; 1 PAUSED by an operator; 2 PARKED, since no retry can mend it.';
comment on column orders.trouble is 'Off the happy path: {"step", "attempts", "error", "reason", "next_time_ms"}; written from the first retry on.';

-- Newest first for one customer.
create index orders_by_customer on orders (shard, customer_id, order_id);
-- Newest first for everyone, and the takeover's search from a low-water mark on. Only inserts touch it.
create index orders_by_time on orders (order_id);
-- Accepted and carried by nobody. Finish never changes runner, so that this index costs it nothing.
create index orders_backlog on orders (order_id) where runner is null;

create view order_lines as
select
    o.shard,
    o.order_id,
    l.line_number::int as line_number,
    l.line ->> 'sku' as sku,
    (l.line ->> 'quantity')::bigint as quantity,
    (l.line ->> 'unit_price')::bigint as unit_price_minor_units,
    l.line ->> 'location_id' as location_id
from orders o
cross join lateral jsonb_array_elements(o.lines) with ordinality as l (line, line_number);

comment on view order_lines is 'orders.lines, one row per line.';
