-- inventory: find operations
select o.sku, o.method, o.request_id, o.body, o.refusal
from unnest($1::text[], $2::smallint[], $3::text[]) as wanted (sku, method, request_id)
join operations o
    on o.sku = wanted.sku and o.method = wanted.method and o.request_id = wanted.request_id
