-- inventory: find allocations
select
    a.order_id,
    a.state,
    a.lines as "lines: Json<Vec<Line>>",
    a.placed as "placed: Json<Vec<Placement>>",
    a.refusal as "refusal: Json<Refusal>"
from unnest($1::uuid[]) as wanted (order_id)
join allocations a on a.order_id = wanted.order_id
