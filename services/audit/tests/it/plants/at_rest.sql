-- Keys with more than one meaning.

-- K1: one key, two orders
-- in order
update orders
set request_id = 'r1'
where order_id = id_of('c1', 2);

-- K1: another customer's shard
-- in order
update orders
set customer_id = 'c2'
where order_id = id_of('c1', 1);

-- K1: another shard
-- in order
update orders
set shard = (shard + 1) % 1024
where order_id = id_of('c1', 1);

-- K1: a reservation without an order
-- in inventory
insert into allocations (order_id, state, lines, placed, refusal, create_time, resolve_time)
values (id_of('c9', 99), 3, '[{"sku":"a","quantity":1}]', null, null, now(), now());

-- O1: an order that is lost
-- in order
delete from orders
where order_id = id_of('c1', 1);

-- K1: an order that never had an event is lost
-- in order
delete from order_events
where order_id = id_of('c6', 11);
update order_events
set position = position - 2
where order_id > id_of('c6', 11);
update feed_partitions
set last_position = last_position - 2;
delete from orders
where order_id = id_of('c6', 11);
