-- inventory: lock stock rows in key order
with locked as materialized (
    select s.sku, s.location_id, s.on_hand, s.reserved, s.shortfall, s.version, s.count_version, s.update_time
    from unnest($1::text[], $2::text[]) as wanted (sku, location_id)
    join stock s on s.sku = wanted.sku and (wanted.location_id is null or s.location_id = wanted.location_id)
    order by s.sku, s.location_id
    for update of s
),
clock as materialized (
    -- An aggregate ends after its last row, so this is the time after the last lock.
    select count(*) as rows, clock_timestamp() as now
    from locked
)
select
    clock.now as "now!",
    locked.sku as "sku?",
    locked.location_id as "location_id?",
    locked.on_hand as "on_hand?",
    locked.reserved as "reserved?",
    locked.shortfall as "shortfall?",
    locked.version as "version?",
    locked.count_version as "count_version?",
    locked.update_time as "update_time?"
from clock
left join locked on true
