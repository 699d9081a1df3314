-- order: end cancels
with ended as (
    update orders o
    set
        state = 6,
        version = o.version + 1,
        update_time = now(),
        refunded_minor_units = o.captured_minor_units,
        changed_by = null
    from (
        select *
        from unnest($1::smallint[], $2::uuid[], $3::uuid[]) as u (shard, order_id, saga_id)
        order by u.shard, u.order_id
    ) as i
    where o.shard = i.shard
        and o.order_id = i.order_id
        and o.state = 5
        and o.changed_by = i.saga_id
    returning o.shard, o.order_id, o.version, o.update_time, i.saga_id
),
numbered as (
    select e.*, row_number() over (order by e.order_id) as nth, count(*) over () as places
    from ended e
),
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
    select
        n.shard, n.order_id, n.version, 5, 6, n.update_time, 0, c.last_position - n.places + n.nth
    from numbered n
    cross join counter c
)
select e.saga_id as "saga_id!"
from ended e
