-- order: turn sagas. The plan is pinned to a nested loop over the sorted items, so rows are locked
-- in key order.
with turned as (
    update orders o
    set turn_time = now(), turn_reason = i.reason, rejection = i.rejection::jsonb
    from (
        select *
        from unnest($1::smallint[], $2::uuid[], $3::bigint[], $4::smallint[], $5::text[])
            as u (shard, order_id, epoch, reason, rejection)
        order by u.shard, u.order_id
    ) as i
    where o.shard = i.shard
        and o.order_id = i.order_id
        and o.state = 1
        and o.epoch = i.epoch
        and o.turn_time is null
    returning o.shard, o.order_id, o.create_time
),
numbered as (
    select t.*, row_number() over (order by t.order_id) as place, count(*) over () as places
    from turned t
),
-- Taken last, and locked until the commit: positions have no hole.
counter as (
    update feed_partitions p
    set last_position = p.last_position + (select max(n.places) from numbered n)
    where p.feed_partition = 0
        and exists (select from numbered)
    returning p.last_position
),
published as (
    insert into order_events (
        shard, order_id, version, type, state, create_time, feed_partition, position
    )
    select n.shard, n.order_id, 1, 1, 1, n.create_time, 0, c.last_position - n.places + n.place
    from numbered n
    cross join counter c
)
select t.order_id
from turned t
