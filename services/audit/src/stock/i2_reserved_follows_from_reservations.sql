-- audit: I2 reserved is what live reservations keep
with kept as (
    select
        l.line ->> 'sku' as sku,
        coalesce(l.line ->> 'location_id', 'default') as location_id,
        sum((l.line ->> 'quantity')::bigint)::bigint as units,
        count(*) as entries
    from allocations a
    cross join lateral jsonb_array_elements(coalesce(a.placed, a.lines)) as l (line)
    where a.state = 6
    group by 1, 2
)
select
    format(
        'reserved of %s at %s is %s, and %s lines of live reservations keep %s there',
        sku, location_id, coalesce(s.reserved::text, 'nowhere'), coalesce(k.entries, 0),
        coalesce(k.units, 0)
    ) as message,
    jsonb_build_array(
        case
            when s.reserved is null then jsonb_build_object(
                'table', 'allocation_lines',
                'columns', jsonb_build_object(
                    'sku', sku, 'location_id', location_id, 'quantity', k.units
                )
            )
            else jsonb_build_object(
                'table', 'stock',
                'columns', jsonb_build_object(
                    'sku', sku, 'location_id', location_id, 'on_hand', s.on_hand,
                    'reserved', s.reserved, 'version', s.version
                )
            )
        end
    ) as evidence,
    sku,
    coalesce(s.reserved, 0) - coalesce(k.units, 0) as difference
from stock s
full join kept k using (sku, location_id)
where coalesce(s.reserved, 0) <> coalesce(k.units, 0)
    -- A stock row that is missing altogether is I1's, which its movements tell of.
    and (
        s.reserved is not null
        or not exists (
            select
            from movements m
            where m.sku = k.sku
                and m.location_id = k.location_id
        )
    )
