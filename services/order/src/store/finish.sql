-- order: finish sagas. The plan is pinned to a nested loop over the sorted items, so rows are locked
-- in key order. An order that was not turned takes two positions, and its row tells of both.
with ended as (
    update orders o
    set
        state = i.state,
        version = o.version + 1,
        update_time = now(),
        rejection = coalesce(o.rejection, i.rejection::jsonb),
        allocations = i.allocations::jsonb,
        captured_minor_units = i.captured
    from (
        select *
        from unnest(
            $1::smallint[], $2::uuid[], $3::bigint[], $4::boolean[], $5::smallint[], $6::text[],
            $7::text[], $8::bigint[]
        ) as u (shard, order_id, epoch, turned, state, rejection, allocations, captured)
        order by u.shard, u.order_id
    ) as i
    where o.shard = i.shard
        and o.order_id = i.order_id
        and (o.state = 1 or o.state = 5 and i.turned)
        and o.epoch = i.epoch
        and (o.turn_time is not null) = i.turned
    returning o.shard, o.order_id, o.version, o.state, o.create_time, o.update_time, i.turned
),
numbered as (
    select
        e.*,
        sum(case when e.turned then 1 else 2 end) over (order by e.order_id) as place,
        sum(case when e.turned then 1 else 2 end) over () as places
    from ended e
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
        shard, order_id, version, type, state, create_time, placed_time, feed_partition, position
    )
    select
        n.shard, n.order_id, n.version, case n.state when 2 then 2 when 4 then 3 else 5 end, n.state,
        n.update_time, case when not n.turned then n.create_time end, 0,
        c.last_position - n.places + n.place
    from numbered n
    cross join counter c
)
select e.order_id, e.version, e.update_time
from ended e
