-- Holes and doubles in the feed.

-- E1: an event lost
-- in order
delete from order_events
where order_id = id_of('c3', 5)
    and version = 2;

-- E1: a placed event lost
-- in order
delete from order_events
where order_id = id_of('c3', 6)
    and version = 1;

-- E1: the first event lost
-- in order
update order_events
set placed_time = null
where position = 2;

-- E1: both events of the last order lost
-- in order
delete from order_events
where position = (select last_position from feed_partitions);

-- E1: a counter that is behind
-- in order
update feed_partitions
set last_position = last_position - 1;

-- E1: a counter that is ahead
-- in order
update feed_partitions
set last_position = last_position + 3;

-- E1: an event beyond the counter
-- in order
update order_events
set position = 1000
where position = 9;

-- E1: an event before the first
-- in order
update order_events
set position = 0
where position = 9;

-- E1: an event in a partition without a counter
-- in order
update order_events
set feed_partition = 7
where position = 9;

-- E1: two events at one position
-- in order
update order_events
set position = 4
where position = 9;

-- E1: an order's second event before its first
-- in order
update order_events
set position = 1
where position = 10;

-- E1: an event twice
-- in order
insert into order_events (
    shard, order_id, version, type, state, fact, create_time, feed_partition, position
)
select shard, order_id, version, type, state, fact, create_time, 0, 31
from order_events
where position = 2;
-- in order
update feed_partitions
set last_position = 31;
