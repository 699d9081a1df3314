-- audit: K1 one order per key, in its customer's shard
with twice as (
    select o.shard, o.customer_id, o.request_id, count(*) as orders
    from orders o
    group by o.shard, o.customer_id, o.request_id
    having count(*) > 1
)
select
    format('customer %s has %s orders for one request_id', t.customer_id, t.orders) as message,
    (
        select jsonb_agg(key.evidence)
        from (
            select jsonb_build_object(
                'table', 'orders',
                'columns', jsonb_build_object(
                    'shard', o.shard, 'order_id', o.order_id, 'customer_id', o.customer_id,
                    'request_id', o.request_id, 'state', o.state, 'create_time', o.create_time
                )
            ) as evidence
            from orders o
            where o.shard = t.shard
                and o.customer_id = t.customer_id
                and o.request_id = t.request_id
            limit 20
        ) as key
    ) as evidence
from twice t
union all
-- The shard: the first 10 bits of SHA-256 of the customer, and the last 10 bits of the id.
select
    format(
        'order %s is in shard %s, its customer in %s, and its id ends in %s',
        o.order_id, o.shard, h.of_customer, h.of_id
    ),
    jsonb_build_array(jsonb_build_object(
        'table', 'orders',
        'columns', jsonb_build_object(
            'shard', o.shard, 'order_id', o.order_id, 'customer_id', o.customer_id,
            'request_id', o.request_id, 'state', o.state, 'create_time', o.create_time
        )
    ))
from orders o
cross join lateral (
    select sha256(convert_to(o.customer_id, 'utf8')) as customer, uuid_send(o.order_id) as id
) as b
cross join lateral (
    select
        (get_byte(b.customer, 0) << 2) | (get_byte(b.customer, 1) >> 6) as of_customer,
        ((get_byte(b.id, 14) & 3) << 8) | get_byte(b.id, 15) as of_id
) as h
where o.shard <> h.of_customer
    or o.shard <> h.of_id
