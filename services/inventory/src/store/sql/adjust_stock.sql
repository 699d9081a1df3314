-- inventory: adjust stock
with level as materialized (
    select sku, location_id, on_hand, reserved, shortfall, version, count_version, version_read
    from unnest(
        $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
        $8::bigint[], $9::bigint[]
    ) as level (
        sku, location_id, on_hand, reserved, shortfall, version, count_version, version_read
    )
),
changed as (
    update stock s
    set
        on_hand = level.on_hand,
        shortfall = level.shortfall,
        version = level.version,
        count_version = level.count_version,
        update_time = $1
    from level
    where s.sku = level.sku
    and s.location_id = level.location_id
    and s.version = level.version_read
    returning 1
),
made as (
    insert into stock (
        sku, location_id, on_hand, reserved, shortfall, version, count_version, update_time
    )
    select
        level.sku, level.location_id, level.on_hand, level.reserved, level.shortfall,
        level.version, level.count_version, $1
    from level
    where level.version_read = 0
    order by level.sku, level.location_id
    on conflict (sku, location_id) do nothing
    returning 1
)
select (select count(*) from changed) + (select count(*) from made) as "adjusted!"
