-- inventory: read sku
select
    sku,
    title,
    attributes as "attributes: Json<BTreeMap<String, String>>",
    create_time,
    update_time
from skus
where sku = $1
