-- inventory: read stock
select
    k.sku,
    s.location_id as "location_id?",
    s.on_hand as "on_hand?",
    s.reserved as "reserved?",
    s.shortfall as "shortfall?",
    s.version as "version?",
    s.count_version as "count_version?",
    s.update_time as "update_time?"
from unnest($1::text[]) as wanted (sku)
join skus k on k.sku = wanted.sku
left join stock s on s.sku = k.sku
