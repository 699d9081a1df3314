-- order: bind keys to what they changed
insert into order_requests (shard, order_id, method, request_id, body, result, create_time)
select i.shard, i.order_id, $1::smallint, i.request_id, i.body, i.result, $2::timestamptz
from unnest($3::smallint[], $4::uuid[], $5::text[], $6::jsonb[], $7::jsonb[])
    as i (shard, order_id, request_id, body, result)
order by i.shard, i.order_id, i.request_id
