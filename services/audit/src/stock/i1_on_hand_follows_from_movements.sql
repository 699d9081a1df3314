-- audit: I1 on_hand is the sum of the movements
with ledger as (
    select m.sku, m.location_id, sum(m.delta) as total, count(*) as entries
    from movements m
    group by m.sku, m.location_id
)
select
    format(
        'on_hand of %s at %s is %s, and its %s movements add up to %s',
        sku, location_id, coalesce(s.on_hand::text, 'nowhere'), coalesce(l.entries, 0),
        coalesce(l.total, 0)
    ) as message,
    case
        when s.on_hand is null then '[]'::jsonb
        else jsonb_build_array(jsonb_build_object(
            'table', 'stock',
            'columns', jsonb_build_object(
                'sku', sku, 'location_id', location_id, 'on_hand', s.on_hand, 'version', s.version
            )
        ))
    end || (
        select coalesce(jsonb_agg(latest.evidence), '[]'::jsonb)
        from (
            select jsonb_build_object(
                'table', 'movements',
                'columns', jsonb_build_object(
                    'movement_id', m.movement_id, 'sku', m.sku, 'location_id', m.location_id,
                    'delta', m.delta, 'reason', m.reason, 'request_id', m.request_id
                )
            ) as evidence
            from movements m
            where m.sku = l.sku
                and m.location_id = l.location_id
            order by m.movement_id desc
            limit 19
        ) as latest
    ) as evidence
from stock s
full join ledger l using (sku, location_id)
where coalesce(s.on_hand, 0) <> coalesce(l.total, 0)
