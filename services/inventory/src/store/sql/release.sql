-- inventory: release
with freed as (
    update stock s
    set
        reserved = s.reserved - back.quantity,
        shortfall = greatest(0, s.reserved - back.quantity - s.on_hand),
        version = s.version + 1,
        update_time = $1
    from unnest($2::text[], $3::text[], $4::bigint[]) as back (sku, location_id, quantity)
    where s.sku = back.sku
    and s.location_id = back.location_id
    and s.reserved >= back.quantity
    returning 1
),
released as (
    update allocations a
    set state = 3, resolve_time = $1
    from unnest($5::uuid[]) as kept (order_id)
    where a.order_id = kept.order_id
    and a.state = 6
    returning 1
),
entombed as (
    insert into allocations (order_id, state, create_time, resolve_time)
    select unseen.order_id, 5, $1, $1
    from unnest($6::uuid[]) as unseen (order_id)
    order by unseen.order_id
    on conflict (order_id) do nothing
    returning 1
)
select
    (select count(*) from freed) as "freed!",
    (select count(*) from released) as "released!",
    (select count(*) from entombed) as "entombed!"
