-- order: start sagas, whose keys are presumed to be new
with carrier as (
    -- A runner that has been buried carries nothing: its order belongs to nobody from its start.
    -- The lock keeps it from being buried between this look and the insert's commit.
    select r.runner
    from saga_runners r
    where r.runner = $1
    for key share
)
insert into orders (
    shard, order_id, customer_id, request_id, state, version, currency_code, total_minor_units,
    lines, adjustments, metadata, payment_method, capture, priority, decide_within_ms,
    create_time, update_time, definition_version, deadline, runner, epoch
)
select
    i.shard, i.order_id, i.customer_id, i.request_id, 1, 1, i.currency_code, i.total,
    i.lines::jsonb, i.adjustments::jsonb, i.metadata::jsonb, i.payment_method, i.capture,
    i.priority, i.decide_within_ms, now(), now(), $2,
    now() + i.decide_ms * interval '1 millisecond',
    case when i.carry then (select c.runner from carrier c) end, 1
from unnest(
    $3::smallint[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::text[],
    $10::text[], $11::text[], $12::text[], $13::smallint[], $14::smallint[], $15::bigint[],
    $16::bigint[], $17::boolean[]
) as i (
    shard, order_id, customer_id, request_id, currency_code, total, lines, adjustments, metadata,
    payment_method, capture, priority, decide_within_ms, decide_ms, carry
)
order by i.shard, i.customer_id, i.request_id
returning order_id, create_time, runner
