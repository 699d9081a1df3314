-- Figures of the stock that do not add up.

-- I1: on_hand one too many
-- in inventory
update stock
set on_hand = on_hand + 1
where sku = 'd';

-- I1: on_hand one too few
-- in inventory
update stock
set on_hand = on_hand - 1
where sku = 'b'
    and location_id = 'north';

-- I1: on_hand below what is reserved
-- in inventory
update stock
set on_hand = 0
where sku = 'c';

-- I1: a movement lost
-- in inventory
delete from movements
where request_id = 'm2';

-- I1: a movement of another size
-- in inventory
update movements
set delta = 61
where request_id = 'm1';

-- I1: a movement without stock
-- in inventory
insert into movements (
    movement_id, sku, location_id, delta, reason, order_id, request_id, create_time
)
values (id_of('m', 99), 'a', 'south', 5, 1, null, 'm99', now());

-- I1: a stock row lost
-- in inventory
delete from stock
where sku = 'a'
    and location_id = 'default';

-- I2: reserved one too many
-- in inventory
update stock
set reserved = reserved + 1
where sku = 'd';

-- I2: reserved one too few
-- in inventory
update stock
set reserved = reserved - 1
where sku = 'a'
    and location_id = 'north';

-- I2: reserved past on_hand
-- in inventory
update stock
set reserved = reserved + 1
where sku = 'c';

-- I2: reserved below nothing
-- in inventory
update stock
set reserved = -1
where sku = 'd';

-- I2: a reservation that nobody counted
-- in inventory
insert into allocations (order_id, state, lines, placed, refusal, create_time, resolve_time)
values (id_of('c9', 99), 6, '[{"sku":"a","quantity":1}]', null, null, now(), null);

-- I3: shortfall below nothing
-- in inventory
update stock
set shortfall = -1
where sku = 'b'
    and location_id = 'default';

-- I3: more spoken for than there is
-- in inventory
update stock
set on_hand = 1
where sku = 'b'
    and location_id = 'north';
-- in inventory
insert into movements (
    movement_id, sku, location_id, delta, reason, order_id, request_id, create_time
)
values (id_of('m', 99), 'b', 'north', -9, 3, null, 'm99', now());
