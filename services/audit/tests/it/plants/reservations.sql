-- Reservations and refusals that cannot be.

-- I4: allocated and resolved
-- in inventory
update allocations
set resolve_time = now()
where order_id = id_of('c1', 1);

-- I4: released and never resolved
-- in inventory
update allocations
set resolve_time = null
where order_id = id_of('c3', 5);

-- I4: released comes to life
-- in inventory
update allocations
set state = 6
where order_id = id_of('c3', 5);

-- I4: a tombstone comes to life
-- in inventory
update allocations
set state = 6, lines = '[{"sku":"b","quantity":1}]'
where order_id = id_of('c4', 7);

-- I4: a tombstone with lines
-- in inventory
update allocations
set lines = '[{"sku":"b","quantity":1}]'
where order_id = id_of('c4', 7);

-- I4: refused without a refusal
-- in inventory
update allocations
set refusal = null
where order_id = id_of('c2', 4);

-- I4: allocated with a refusal
-- in inventory
update allocations
set refusal = '{}'
where order_id = id_of('c1', 2);

-- I4: of no known state
-- in inventory
update allocations
set state = 2
where order_id = id_of('c3', 6);

-- I4: a confirmed order's turns into a tombstone
-- in inventory
update allocations
set state = 5
where order_id = id_of('c1', 1);

-- I4: two movements for one shipment
-- in inventory
insert into movements (
    movement_id, sku, location_id, delta, reason, order_id, request_id, create_time
)
select id_of('m', 90 + n), 'd', 'default', -1, 7, id_of('c1', 1), 's1', now()
from generate_series(1, 2) n;
-- in inventory
insert into movements (
    movement_id, sku, location_id, delta, reason, order_id, request_id, create_time
)
values (id_of('m', 99), 'd', 'default', 2, 3, null, 'm99', now());

-- I5: a confirmed order's reservation is lost
-- in inventory
delete from allocations
where order_id = id_of('c1', 1);

-- I5: a confirmed order's reservation is released
-- in inventory
update allocations
set state = 3, resolve_time = now()
where order_id = id_of('c1', 2);

-- I5: a confirmed order's reservation keeps more
-- in inventory
update allocations
set lines = '[{"sku":"a","quantity":2}]'
where order_id = id_of('c1', 2);

-- I5: a confirmed order's reservation keeps another SKU
-- in inventory
update allocations
set lines = '[{"sku":"b","quantity":1}]'
where order_id = id_of('c1', 2);

-- I5: a split reservation lacks a part
-- in inventory
update allocations
set placed = placed - 1
where order_id = id_of('c4', 8);

-- I5: a confirmed order has another quantity
-- in order
update orders
set lines = jsonb_set(lines, '{0,quantity}', '3')
where order_id = id_of('c1', 2);

-- I5: a confirmed order has lines that cannot be read
-- in order
update orders
set lines = '[{"sku":7}]'
where order_id = id_of('c2', 3);

-- O3: a rejected order's reservation keeps its units
-- in inventory
update allocations
set state = 6, resolve_time = null
where order_id = id_of('c3', 6);

-- I7: refused what was there
-- in inventory
update allocations
set refusal = jsonb_set(refusal, '{shortages,0,available}', '5')
where order_id = id_of('c2', 4);

-- I7: refused without a shortage
-- in inventory
update allocations
set refusal = jsonb_set(refusal, '{shortages}', '[]')
where order_id = id_of('c2', 4);

-- I7: refused another quantity than was asked for
-- in inventory
update allocations
set refusal = jsonb_set(refusal, '{shortages,0,requested}', '6')
where order_id = id_of('c2', 4);

-- I7: refused for another reason
-- in inventory
update allocations
set refusal = '{"reason":"BAD_LUCK"}'
where order_id = id_of('c2', 4);

-- I7: refused without the stock's version
-- in inventory
update allocations
set refusal = refusal #- '{shortages,0,version}'
where order_id = id_of('c2', 4);

-- I7: refused with less than nothing there
-- in inventory
update allocations
set refusal = jsonb_set(refusal, '{shortages,0,available}', '-1')
where order_id = id_of('c2', 4);
