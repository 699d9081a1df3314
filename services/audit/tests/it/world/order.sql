-- Fourteen orders that have ended or are confirmed, and their events.
delete from orders;
delete from order_events;

insert into orders (
    shard, order_id, customer_id, request_id, state, version, currency_code, total_minor_units,
    lines, payment_method, capture, priority, create_time, update_time, rejection, allocations,
    captured_minor_units, definition_version, deadline, epoch, turn_time, turn_reason
)
select
    shard_of(customer), id_of(customer, number), customer, 'r' || number, state, 2, 'EUR', total,
    lines::jsonb, 'tok_ok', capture, 1, now(), now(),
    case when reason is not null then jsonb_build_object('reason', reason, 'message', 'no') end,
    allocations::jsonb, captured, 1, now() + interval '30 s', 1,
    case when turned then now() end, case when turned then 120 end
from (
    values
    (1, 'c1', 2, 1100, '[{"sku":"a","quantity":2,"unit_price":500},{"sku":"b","quantity":1,"unit_price":100}]', 1, 1100, null, false, null),
    (2, 'c1', 2, 500, '[{"sku":"a","quantity":1,"unit_price":500}]', 2, 0, null, false, null),
    (3, 'c2', 2, 0, '[{"sku":"c","quantity":1,"unit_price":0}]', 1, 0, null, false, null),
    (4, 'c2', 4, 50, '[{"sku":"d","quantity":3,"unit_price":10},{"sku":"d","quantity":2,"unit_price":10}]', 1, 0, 'OUT_OF_STOCK', false, null),
    (5, 'c3', 4, 70, '[{"sku":"b","quantity":1,"unit_price":70}]', 1, 0, 'PAYMENT_DECLINED', true, null),
    (6, 'c3', 4, 80, '[{"sku":"b","quantity":1,"unit_price":80}]', 1, 0, 'TIMED_OUT', true, null),
    (7, 'c4', 4, 90, '[{"sku":"b","quantity":1,"unit_price":90}]', 1, 0, 'TIMED_OUT', true, null),
    (8, 'c4', 2, 1500, '[{"sku":"a","quantity":1,"unit_price":500},{"sku":"a","quantity":2,"unit_price":500}]', 1, 1500, null, false,
        '[{"sku":"a","location_id":"default","quantity":1},{"sku":"a","location_id":"north","quantity":2}]'),
    (9, 'c5', 4, 60, '[{"sku":"b","quantity":1,"unit_price":60}]', 2, 0, 'TIMED_OUT', true, null),
    (10, 'c5', 2, 500, '[{"sku":"a","quantity":1,"unit_price":500}]', 2, 0, null, false, null),
    (11, 'c6', 2, 300, '[{"sku":"b","quantity":3,"unit_price":100,"location_id":"north"}]', 1, 300, null, false, null)
) as o (number, customer, state, total, lines, capture, captured, reason, turned, allocations);

-- One row tells of both events of an order, unless it was turned.
with told as (
    select o.*, v.told, row_number() over (order by o.order_id, v.told) as position
    from orders o
    cross join (values (1), (2)) as v (told)
)
insert into order_events (
    shard, order_id, version, type, state, create_time, placed_time, feed_partition, position
)
select
    t.shard, t.order_id, t.told,
    case when t.told = 1 then 1 when t.state = 2 then 2 else 3 end,
    case when t.told = 1 then 1 else t.state end,
    now(), case when t.turn_time is null then now() end, 0, t.position
from told t
where t.told = 2 or t.turn_time is not null;

-- Three that were cancelled: while it ran, after it was confirmed, before it came.
insert into orders (
    shard, order_id, customer_id, request_id, state, version, currency_code, total_minor_units,
    lines, payment_method, capture, priority, create_time, update_time, rejection,
    definition_version, deadline, epoch, turn_time, turn_reason
)
select
    shard_of(customer), id_of(customer, number), customer, 'r' || number, 6, version, currency, 0,
    lines::jsonb, '', 1, 1, now(), now(), case when turned then '{"reason":"CANCELLED"}'::jsonb end,
    1, now() + interval '30 s', 1, case when turned then now() end, case when turned then 121 end
from (
    values
    (12, 'c7', 3, 'EUR', '[{"sku":"b","quantity":1,"unit_price":0}]', true),
    (13, 'c7', 4, 'EUR', '[{"sku":"b","quantity":1,"unit_price":0}]', false),
    (14, 'c8', 1, 'XXX', '[]', false)
) as o (number, customer, version, currency, lines, turned);

insert into order_events (
    shard, order_id, version, type, state, create_time, placed_time, feed_partition, position
)
select
    shard_of(customer), id_of(customer, number), version, type, state, now(),
    case when tells_of_placed then now() end, 0,
    (select count(*) from order_history) + place
from (
    values
    (12, 'c7', 1, 1, 1, false, 1), (12, 'c7', 2, 4, 5, false, 2), (12, 'c7', 3, 5, 6, false, 3),
    (13, 'c7', 2, 2, 2, true, 5), (13, 'c7', 3, 4, 5, false, 6), (13, 'c7', 4, 5, 6, false, 7),
    (14, 'c8', 1, 5, 6, false, 8)
) as e (number, customer, version, type, state, tells_of_placed, place);

update feed_partitions set last_position = (select count(*) from order_history);
