-- inventory: lock skus in key order
select
    k.sku,
    k.title,
    k.attributes as "attributes: Json<BTreeMap<String, String>>",
    k.create_time,
    k.update_time
from unnest($1::text[]) as wanted (sku)
join skus k on k.sku = wanted.sku
order by k.sku
for update of k
