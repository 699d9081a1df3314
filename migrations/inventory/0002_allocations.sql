-- allocations: what each order's saga was given, and the recorded answer to every repeat.
-- One row per order: allocated, refused, released, or a tombstone for an order never seen.

create table allocations (
    order_id uuid not null,
    state smallint not null,
    lines jsonb,
    placed jsonb,
    refusal jsonb,
    create_time timestamptz not null,
    resolve_time timestamptz,
    constraint allocations_pkey primary key (order_id),
    constraint allocations_state_known check (state in (1, 3, 5, 6)),
    constraint allocations_refusal_when_refused check ((state = 1) = (refusal is not null)),
    constraint allocations_lines_unless_tombstone check ((state = 5) = (lines is null))
) with (fillfactor = 70);

comment on table allocations is 'One row per order: its reservation, in a key space that callers cannot reach.';
comment on column allocations.state is '1 REFUSED (only here), 3 RELEASED, 5 TOMBSTONED, 6 ALLOCATED: ReservationState of the wire.';
comment on column allocations.lines is 'As received: [{"sku", "quantity", "location_id"?}]; null for a tombstone.';
comment on column allocations.placed is 'Where the units are: [{"sku", "location_id", "quantity"}], one per SKU and location; null when each line''s units are where it named, or at "default".';
comment on column allocations.refusal is '{"reason", "skus"?, "shortages"?: [{"sku", "location_id"?, "requested", "available", "version"}]}: stock as it was read under the lock.';
comment on column allocations.resolve_time is 'When it was released or became a tombstone; null while ALLOCATED or REFUSED.';

create view allocation_lines as
select
    a.order_id,
    a.state,
    l.line ->> 'sku' as sku,
    coalesce(l.line ->> 'location_id', 'default') as location_id,
    sum((l.line ->> 'quantity')::bigint)::bigint as quantity
from allocations a
cross join lateral jsonb_array_elements(coalesce(a.placed, a.lines)) as l (line)
where a.state in (3, 6)
group by a.order_id, a.state, l.line ->> 'sku', coalesce(l.line ->> 'location_id', 'default');

comment on view allocation_lines is 'What each order was given, per SKU and location; state 6 still keeps it.';
