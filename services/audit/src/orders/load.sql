-- audit: orders with their published events
select
    o.shard,
    o.order_id,
    o.customer_id,
    o.request_id,
    o.state,
    o.version,
    o.currency_code,
    o.total_minor_units,
    case when o.state = 2 then o.lines::text end as lines,
    o.capture,
    o.captured_minor_units,
    o.turn_time is not null as turned,
    o.rejection is not null as explained,
    coalesce(h.versions, '{}') as event_versions,
    coalesce(h.types, '{}') as event_types,
    coalesce(h.states, '{}') as event_states
from orders o
-- The shard that the id carries; where the row says another one, K1 reports it.
cross join lateral (
    select ((get_byte(b.id, 14) & 3) << 8) | get_byte(b.id, 15) as shard
    from (select uuid_send(o.order_id) as id) as b
) as k
left join lateral (
    select
        array_agg(e.version order by e.position, e.version) as versions,
        array_agg(e.type order by e.position, e.version) as types,
        array_agg(e.state order by e.position, e.version) as states
    from order_events e
    -- What stands where no position was given out is E1's.
    join feed_partitions p
        on p.feed_partition = e.feed_partition
        and e.position between 1 and p.last_position
    where e.shard = k.shard
        and e.order_id = o.order_id
) as h on true
where o.order_id = any($1)
