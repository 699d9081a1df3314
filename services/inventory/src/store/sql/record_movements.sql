-- inventory: record movements
insert into movements (
    movement_id, sku, location_id, delta, reason, order_id, request_id, create_time
)
select
    movement.movement_id, movement.sku, movement.location_id, movement.delta, movement.reason,
    movement.order_id, movement.request_id, $1
from unnest(
    $2::uuid[], $3::text[], $4::text[], $5::bigint[], $6::smallint[], $7::uuid[], $8::text[]
) as movement (movement_id, sku, location_id, delta, reason, order_id, request_id)
