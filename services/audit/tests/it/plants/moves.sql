-- Orders that moved as none may.

-- O1: a version that never was
-- in order
update orders
set version = 5
where order_id = id_of('c1', 1);

-- O1: a terminal state is left
-- in order
update orders
set state = 4, rejection = '{}'
where order_id = id_of('c1', 1);

-- O1: a terminal state becomes undecided
-- in order
update orders
set state = 1, version = 1
where order_id = id_of('c1', 1);

-- O1: a rejected order is confirmed
-- in order
update orders
set state = 2, rejection = null
where order_id = id_of('c2', 4);

-- O1: a state that there is not
-- in order
update orders
set state = 3
where order_id = id_of('c1', 1);

-- O1: confirmed although turned
-- in order
update orders
set turn_time = now(), turn_reason = 120
where order_id = id_of('c1', 1);

-- O1: rejected without a reason
-- in order
update orders
set rejection = null
where order_id = id_of('c3', 5);

-- O1: confirmed with a rejection
-- in order
update orders
set rejection = '{}'
where order_id = id_of('c1', 1);

-- O1: an event of another state
-- in order
update order_events
set state = 4
where order_id = id_of('c1', 1)
    and version = 2;

-- O1: an event of another type
-- in order
update order_events
set type = 3
where order_id = id_of('c1', 1)
    and version = 2;

-- O1: decided before it was placed
-- in order
update order_events
set state = 2
where order_id = id_of('c3', 5)
    and version = 1;

-- O1: an order that is lost
-- in order
delete from orders
where order_id = id_of('c2', 3);

-- O1: an event of no order
-- in order
update order_events
set order_id = id_of('c9', 99)
where order_id = id_of('c1', 1)
    and version = 2;
