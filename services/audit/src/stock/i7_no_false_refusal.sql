-- audit: I7 whoever was refused stock asked for more than there was
select
    format(
        'order %s was refused as %s without a shortage that its lines and the stock explain',
        a.order_id, coalesce(a.refusal ->> 'reason', 'nothing')
    ) as message,
    jsonb_build_array(jsonb_build_object(
        'table', 'allocations',
        'columns', jsonb_build_object(
            'order_id', a.order_id, 'state', a.state, 'lines', a.lines, 'refusal', a.refusal,
            'create_time', a.create_time
        )
    )) as evidence
from allocations a
where a.state = 1
    and a.lines is not null
    and a.refusal is not null
    and a.refusal ->> 'reason' is distinct from 'UNKNOWN_SKU'
    and not (
        coalesce(a.refusal ->> 'reason' = 'OUT_OF_STOCK', false)
        and coalesce(jsonb_array_length(a.refusal -> 'shortages') > 0, false)
        -- Each shortage has what was asked for in all, what was there, and which stock that was.
        and not exists (
            select
            from jsonb_to_recordset(a.refusal -> 'shortages') as s (
                sku text, location_id text, requested bigint, available bigint, version bigint
            )
            where not coalesce(
                s.available >= 0
                and s.available < s.requested
                and s.version >= 0
                and s.requested = (
                    select sum(l.quantity)
                    from jsonb_to_recordset(a.lines)
                        as l (sku text, location_id text, quantity bigint)
                    where l.sku = s.sku
                        and (s.location_id is null or l.location_id = s.location_id)
                ),
                false
            )
        )
    )
