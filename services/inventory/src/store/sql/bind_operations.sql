-- inventory: bind operations
with bound as (
    insert into operations (sku, method, request_id, body, refusal, create_time)
    select
        operation.sku, operation.method, operation.request_id, operation.body,
        operation.refusal, $1
    from unnest($2::text[], $3::smallint[], $4::text[], $5::jsonb[], $6::jsonb[])
        as operation (sku, method, request_id, body, refusal)
    order by operation.sku, operation.method, operation.request_id
    on conflict (sku, method, request_id) do nothing
    returning 1
)
select count(*) as "bound!"
from bound
