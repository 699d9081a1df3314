-- audit: I3 0 <= reserved <= on_hand + shortfall
with suspect as materialized (
    select s.sku, s.location_id, s.on_hand, s.reserved, s.shortfall, s.version
    from stock s
    where s.reserved < 0
        or s.on_hand < 0
        or s.shortfall < 0
        or s.reserved > s.on_hand + s.shortfall
),
kept as (
    select
        l.line ->> 'sku' as sku,
        coalesce(l.line ->> 'location_id', 'default') as location_id,
        sum((l.line ->> 'quantity')::bigint) as units
    from allocations a
    cross join lateral jsonb_array_elements(coalesce(a.placed, a.lines)) as l (line)
    where a.state = 6
        and exists (select from suspect)
    group by 1, 2
)
select
    format(
        'reserved of %s at %s is %s, with on_hand %s and shortfall %s',
        s.sku, s.location_id, s.reserved, s.on_hand, s.shortfall
    ) as message,
    jsonb_build_array(jsonb_build_object(
        'table', 'stock',
        'columns', jsonb_build_object(
            'sku', s.sku, 'location_id', s.location_id, 'on_hand', s.on_hand,
            'reserved', s.reserved, 'shortfall', s.shortfall, 'version', s.version
        )
    )) as evidence
from suspect s
left join kept k on k.sku = s.sku and k.location_id = s.location_id
-- Figures that do not follow from what they count are I1's and I2's.
where s.reserved = coalesce(k.units, 0)
    and s.on_hand = (
        select coalesce(sum(m.delta), 0)
        from movements m
        where m.sku = s.sku
            and m.location_id = s.location_id
    )
