-- inventory: find unknown skus
select wanted.sku as "sku!"
from unnest($1::text[]) as wanted (sku)
where not exists (
    select from skus k
    where k.sku = wanted.sku
)
