-- order: end cancels
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
returning i.saga_id as "saga_id!", o.order_id, o.version, o.update_time
