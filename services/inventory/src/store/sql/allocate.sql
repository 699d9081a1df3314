-- inventory: allocate
with moved as (
    update stock s
    set
        reserved = s.reserved + taken.quantity,
        version = s.version + 1,
        update_time = $1
    from unnest($2::text[], $3::text[], $4::bigint[]) as taken (sku, location_id, quantity)
    where s.sku = taken.sku
    and s.location_id = taken.location_id
    and s.on_hand - s.reserved >= taken.quantity
    returning 1
),
recorded as (
    insert into allocations (order_id, state, lines, placed, refusal, create_time)
    select fresh.order_id, fresh.state, fresh.lines, fresh.placed, fresh.refusal, $1
    from unnest($5::uuid[], $6::smallint[], $7::jsonb[], $8::jsonb[], $9::jsonb[])
        as fresh (order_id, state, lines, placed, refusal)
    order by fresh.order_id
)
select
    (select count(*) from moved) as "moved!"
