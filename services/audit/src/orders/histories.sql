-- audit: O1 E2 orders whose history is not an ordinary one
with history as (
    select
        e.order_id,
        min(e.shard) as shard,
        count(*) as events,
        min(e.position) filter (where e.version = 1 and e.type = 1 and e.state = 1) as placed,
        min(e.position) filter (where e.version = 2 and e.type = 2 and e.state = 2) as confirmed,
        min(e.position) filter (where e.version = 2 and e.type = 3 and e.state = 4) as rejected,
        min(e.position) filter (where e.version in (2, 3) and e.type = 4 and e.state = 5)
            as cancelling,
        min(e.position) filter (where e.version in (3, 4) and e.type = 5 and e.state = 6)
            as cancelled,
        min(e.position) filter (where e.version = 1 and e.type = 5 and e.state = 6) as entombed
    from order_history e
    -- What stands where no position was given out is E1's.
    join feed_partitions p
        on p.feed_partition = e.feed_partition
        and e.position between 1 and p.last_position
    group by e.order_id
)
select
    o.shard,
    o.order_id,
    o.customer_id,
    o.request_id,
    o.state,
    o.version,
    o.turn_time is not null as turned,
    o.rejection is not null as explained,
    coalesce(l.versions, '{}') as event_versions,
    coalesce(l.types, '{}') as event_types,
    coalesce(l.states, '{}') as event_states
from orders o
left join history h on h.order_id = o.order_id
left join lateral (
    select
        array_agg(e.version order by e.position, e.version) as versions,
        array_agg(e.type order by e.position, e.version) as types,
        array_agg(e.state order by e.position, e.version) as states
    from order_history e
    join feed_partitions p
        on p.feed_partition = e.feed_partition
        and e.position between 1 and p.last_position
    where e.order_id = o.order_id
        and e.shard = h.shard
) as l on true
where not coalesce(
    case
        when o.state = 1 and o.turn_time is null then
            o.version = 1 and o.rejection is null and h.events is null
        when o.state = 1 then
            o.version = 1 and o.rejection is not null and h.events = 1 and h.placed is not null
        when o.state = 2 then
            o.version = 2 and o.turn_time is null and o.rejection is null
            and h.events = 2 and h.placed < h.confirmed
        when o.state = 4 then
            o.version = 2 and o.rejection is not null
            and h.events = 2 and h.placed < h.rejected
        -- Turned while it was running, or marked after it was confirmed; CANCELLED is one more. One
        -- that was cancelled before it came has that event alone.
        when o.state in (5, 6) and h.placed is null then
            o.state = 6 and o.version = 1 and o.turn_time is null and o.rejection is null
            and h.events = 1 and h.entombed is not null
        when o.state in (5, 6) then
            o.version = o.state - 3 + case when o.turn_time is null then 1 else 0 end
            and (o.rejection is not null) = (o.turn_time is not null)
            and (h.confirmed is null) = (o.turn_time is not null)
            and h.events = o.version
            and h.placed < coalesce(h.confirmed, h.cancelling)
            and coalesce(h.confirmed, h.placed) < h.cancelling
            and (o.state = 5 or h.cancelling < h.cancelled)
    end,
    false
)
