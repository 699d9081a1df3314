-- order: publish events
with told as (
    select *
    from unnest(
        $1::smallint[], $2::uuid[], $3::bigint[], $4::smallint[], $5::smallint[], $6::jsonb[],
        $7::timestamptz[]
    ) with ordinality as i (shard, order_id, version, type, state, fact, create_time, place)
),
-- Taken last, and locked until the commit: positions have no hole.
counter as (
    update feed_partitions p
    set last_position = p.last_position + cardinality($2)
    where p.feed_partition = 0
    returning p.last_position
)
insert into order_events (
    shard, order_id, version, type, state, fact, create_time, feed_partition, position
)
select
    t.shard, t.order_id, t.version, t.type, t.state, t.fact, t.create_time, 0,
    c.last_position - cardinality($2) + t.place
from told t
cross join counter c
