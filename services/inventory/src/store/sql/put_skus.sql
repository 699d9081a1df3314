-- inventory: put skus
with put as (
    insert into skus (sku, title, attributes, create_time, update_time)
    select card.sku, card.title, card.attributes, card.create_time, $1
    from unnest($2::text[], $3::text[], $4::jsonb[], $5::timestamptz[])
        as card (sku, title, attributes, create_time)
    order by card.sku
    on conflict (sku) do update
    set title = excluded.title, attributes = excluded.attributes, update_time = excluded.update_time
    -- A SKU that somebody else has made meanwhile was made at another time.
    where skus.create_time = excluded.create_time
    returning 1
)
select count(*) as "put!"
from put
