-- inventory: find stock rows
select s.sku, s.location_id
from unnest($1::text[], $2::text[]) as wanted (sku, location_id)
join stock s on s.sku = wanted.sku and (wanted.location_id is null or s.location_id = wanted.location_id)
