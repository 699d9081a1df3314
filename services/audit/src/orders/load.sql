-- audit: orders
select
    o.shard,
    o.order_id,
    o.customer_id,
    o.request_id,
    o.state,
    o.version,
    o.currency_code,
    o.total_minor_units,
    case when o.state = 2 then o.lines::text end as lines,
    o.capture,
    o.captured_minor_units
from orders o
where o.order_id = any($1)
