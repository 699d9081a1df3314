-- audit: I4 a reservation ends once, and a tombstone never comes to life
select
    format(
        'the reservation of order %s is in state %s with%s lines, with%s a refusal and %s',
        a.order_id, a.state, case when a.lines is null then 'out' else '' end,
        case when a.refusal is null then 'out' else '' end,
        case when a.resolve_time is null then 'never resolved' else 'resolved once' end
    ) as message,
    jsonb_build_array(jsonb_build_object(
        'table', 'allocations',
        'columns', jsonb_build_object(
            'order_id', a.order_id, 'state', a.state, 'lines', a.lines, 'placed', a.placed,
            'refusal', a.refusal, 'create_time', a.create_time, 'resolve_time', a.resolve_time
        )
    )) as evidence
from allocations a
where not case a.state
    -- Refused, for ever.
    when 1 then
        a.lines is not null and a.placed is null and a.refusal is not null
        and a.resolve_time is null
    -- Released: it was allocated, and left that once.
    when 3 then a.lines is not null and a.refusal is null and a.resolve_time is not null
    -- A tombstone: there was never anything to keep.
    when 5 then
        a.lines is null and a.placed is null and a.refusal is null and a.resolve_time is not null
    -- Allocated, and not left yet.
    when 6 then a.lines is not null and a.refusal is null and a.resolve_time is null
    else false
end
union all
select
    format(
        'order %s has %s movements for one shipment of %s from %s',
        m.order_id, count(*), m.sku, m.location_id
    ),
    jsonb_agg(jsonb_build_object(
        'table', 'movements',
        'columns', jsonb_build_object(
            'movement_id', m.movement_id, 'order_id', m.order_id, 'sku', m.sku,
            'location_id', m.location_id, 'delta', m.delta, 'request_id', m.request_id
        )
    ))
from movements m
where m.reason = 7
group by m.order_id, m.request_id, m.sku, m.location_id
having count(*) > 1
