-- The stock and the reservations of the orders.
delete from skus;
delete from stock;
delete from movements;
delete from operations;
delete from allocations;

insert into allocations (order_id, state, lines, placed, refusal, create_time, resolve_time)
select
    id_of(customer, number), state, lines::jsonb, placed::jsonb, refusal::jsonb, now(),
    case when state in (3, 5) then now() end
from (
    values
    (1, 'c1', 6, '[{"sku":"a","quantity":2},{"sku":"b","quantity":1}]', null, null),
    (2, 'c1', 6, '[{"sku":"a","quantity":1}]', null, null),
    (3, 'c2', 6, '[{"sku":"c","quantity":1}]', null, null),
    (4, 'c2', 1, '[{"sku":"d","quantity":3},{"sku":"d","quantity":2}]', null,
        '{"reason":"OUT_OF_STOCK","shortages":[{"sku":"d","requested":5,"available":1,"version":1}]}'),
    (5, 'c3', 3, '[{"sku":"b","quantity":1}]', null, null),
    (6, 'c3', 3, '[{"sku":"b","quantity":1}]', null, null),
    (7, 'c4', 5, null, null, null),
    (8, 'c4', 6, '[{"sku":"a","quantity":1},{"sku":"a","quantity":2}]',
        '[{"sku":"a","location_id":"default","quantity":1},{"sku":"a","location_id":"north","quantity":2}]', null),
    (9, 'c5', 3, '[{"sku":"b","quantity":1}]', null, null),
    (10, 'c5', 6, '[{"sku":"a","quantity":1}]', null, null),
    (11, 'c6', 6, '[{"sku":"b","quantity":3,"location_id":"north"}]', null, null),
    (12, 'c7', 3, '[{"sku":"b","quantity":1}]', null, null),
    (13, 'c7', 3, '[{"sku":"b","quantity":1}]', null, null)
) as a (number, customer, state, lines, placed, refusal);

insert into skus (sku, title, attributes, create_time, update_time)
select sku, sku, '{}', now(), now()
from unnest(array['a', 'b', 'c', 'd']) as s (sku);

insert into stock (
    sku, location_id, on_hand, reserved, version, count_version, update_time
)
values
    ('a', 'default', 50, 5, 5, 2, now()),
    ('a', 'north', 2, 2, 2, 1, now()),
    ('b', 'default', 10, 1, 9, 1, now()),
    ('b', 'north', 10, 3, 2, 1, now()),
    ('c', 'default', 1, 1, 2, 1, now()),
    ('d', 'default', 1, 0, 1, 1, now());

insert into movements (movement_id, sku, location_id, delta, reason, request_id, create_time)
select id_of('m', number), sku, location_id, delta, reason, 'm' || number, now()
from (
    values
    (1, 'a', 'default', 60, 1), (2, 'a', 'default', -10, 2), (3, 'a', 'north', 2, 1),
    (4, 'b', 'default', 10, 1), (5, 'b', 'north', 10, 3), (6, 'c', 'default', 1, 1),
    (7, 'd', 'default', 1, 1)
) as m (number, sku, location_id, delta, reason);
