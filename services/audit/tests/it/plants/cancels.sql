-- Orders that were cancelled as none may be, and what a cancelled one still keeps.

-- O1: cancelled without having been started to be
-- in order
update orders
set state = 6, version = 3
where order_id = id_of('c1', 1);

-- O1: cancelling at the version of a confirmed order
-- in order
update orders
set state = 5
where order_id = id_of('c1', 1);

-- O1: cancelled at version 1, and not before it came
-- in order
update orders
set state = 6, version = 1
where order_id = id_of('c1', 1);

-- O1: a tombstone with a turn
-- in order
update orders
set turn_time = now(), turn_reason = 121, rejection = '{}'
where order_id = id_of('c8', 14);

-- O1: a tombstone at version 2
-- in order
update orders
set version = 2
where order_id = id_of('c8', 14);

-- O1: turned for a cancel, and confirmed
-- in order
update order_events
set type = 2, state = 2
where order_id = id_of('c7', 12)
    and version = 2;

-- O1: cancelled by a saga of its own, and turned
-- in order
update orders
set turn_time = now(), turn_reason = 121, rejection = '{}'
where order_id = id_of('c7', 13);

-- O1: turned for a cancel without a reason
-- in order
update orders
set rejection = null
where order_id = id_of('c7', 12);

-- O1: cancelled for good, and cancelling again
-- in order
update orders
set state = 5, version = 3
where order_id = id_of('c7', 13);

-- O3: a cancelled order keeps stock
-- in inventory
update allocations
set state = 6, resolve_time = null
where order_id = id_of('c7', 13);
update stock
set reserved = reserved + 1
where sku = 'b'
    and location_id = 'default';
