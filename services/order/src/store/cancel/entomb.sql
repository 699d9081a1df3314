-- order: insert orders that are cancelled before they come
insert into orders (
    shard, order_id, customer_id, request_id, state, version, currency_code, total_minor_units,
    lines, payment_method, capture, priority, create_time, update_time, cancel_reason,
    definition_version, deadline, runner, epoch
)
select
    i.shard, i.order_id, i.customer_id, i.request_id, 6, 1, 'XXX', 0, '[]', '', 1, 1, $1::timestamptz, $1::timestamptz,
    -- With a runner it does not stand in the index of what nobody carries.
    nullif(i.reason, ''), $2::smallint, $1::timestamptz, $3::uuid, 1
from unnest($4::smallint[], $5::uuid[], $6::text[], $7::text[], $8::text[])
    as i (shard, order_id, customer_id, request_id, reason)
order by i.shard, i.customer_id, i.request_id
