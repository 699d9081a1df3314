-- Versions of an order out of order.

-- E2: a version is skipped
-- in order
update order_events
set version = 3
where order_id = id_of('c1', 1)
    and version = 2;

-- E2: versions do not begin at 1
-- in order
update order_events
set version = 0
where order_id = id_of('c3', 5)
    and version = 1;

-- E2: versions go down
-- in order
update order_events
set position = 19 - position
where position in (9, 10);

-- E2: a version below the first
-- in order
update order_events
set version = -2
where order_id = id_of('c4', 7)
    and version = 1;
