-- order: read orders
select
    o.order_id, o.customer_id, o.request_id, o.state, o.version, o.currency_code,
    o.total_minor_units, o.lines, o.adjustments, o.metadata, o.payment_method, o.capture,
    o.priority, o.decide_within_ms, o.create_time, o.update_time, o.rejection, o.allocations,
    o.captured_minor_units, o.refunded_minor_units, o.cancel_reason, o.runner, o.epoch, o.turn_time is not null as "turned!",
    o.halt is not null as "halted!", o.trouble,
    greatest(0, extract(epoch from o.deadline - clock_timestamp()) * 1000)::bigint
        as "remaining_ms!"
from unnest($1::smallint[], $2::uuid[]) as i (shard, order_id)
join orders o on o.shard = i.shard and o.order_id = i.order_id
