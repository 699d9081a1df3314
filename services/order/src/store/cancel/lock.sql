-- order: lock orders that are to change
with locked as materialized (
    select o.order_id
    from unnest($1::smallint[], $2::uuid[]) as i (shard, order_id)
    join orders o on o.shard = i.shard and o.order_id = i.order_id
    order by o.shard, o.order_id
    for update of o
)
-- An aggregate ends after its last row, so this is the time after the last lock.
select count(*) as "locked!", clock_timestamp() as "now!"
from locked
