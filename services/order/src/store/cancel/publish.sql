-- order: publish events
with numbered as (
    select i.*, row_number() over (order by i.place) as nth, count(*) over () as places
    from unnest(
        $1::smallint[], $2::uuid[], $3::bigint[], $4::smallint[], $5::smallint[], $6::jsonb[],
        $7::timestamptz[]
    ) with ordinality as i (shard, order_id, version, type, state, fact, create_time, place)
),
-- Taken last, and locked until the commit: positions have no hole.
counter as (
    update feed_partitions p
    set last_position = p.last_position + (select max(n.places) from numbered n)
    where p.feed_partition = 0
        and exists (select from numbered)
    returning p.last_position
)
insert into order_events (
    shard, order_id, version, type, state, fact, create_time, feed_partition, position
)
select
    n.shard, n.order_id, n.version, n.type, n.state, n.fact, n.create_time, 0,
    c.last_position - n.places + n.nth
from numbered n
cross join counter c
