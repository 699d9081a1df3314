-- inventory: list skus
select
    sku,
    title,
    attributes as "attributes: Json<BTreeMap<String, String>>",
    create_time,
    update_time
from skus
where sku > $1
order by sku
limit $2
