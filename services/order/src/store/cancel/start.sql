-- order: start cancels of locked orders
update orders o
set
    state = 5,
    version = o.version + 1,
    update_time = $1::timestamptz,
    cancel_reason = nullif(i.reason, ''),
    changed_by = i.saga_id,
    turn_time = case when i.saga_id is null then $1::timestamptz end,
    turn_reason = case when i.saga_id is null then $2::smallint end,
    rejection = case when i.saga_id is null then $3::jsonb end,
    halt = case when i.saga_id is not null then o.halt end,
    runner = case when i.saga_id is null then $4::uuid else o.runner end,
    epoch = case when i.saga_id is null then o.epoch + 1 else o.epoch end
from unnest($5::smallint[], $6::uuid[], $7::text[], $8::uuid[])
    as i (shard, order_id, reason, saga_id)
where o.shard = i.shard
    and o.order_id = i.order_id
    and o.state = case when i.saga_id is null then 1 else 2 end
    and o.turn_time is null
returning o.order_id
