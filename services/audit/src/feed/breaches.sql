-- audit: E1 breaches
with placed as materialized (
    select
        e.feed_partition,
        e.position,
        lag(e.position) over (partition by e.feed_partition order by e.position) as before
    from order_history e
    join feed_partitions p on p.feed_partition = e.feed_partition
    where e.position between 1 and p.last_position
),
breach as (
    -- Where no position was given out, or one without a counter.
    select
        1 as rank,
        e.feed_partition,
        e.position as first_position,
        e.position as last_position,
        0::bigint as missing,
        format(
            'an event stands at position %s of partition %s, whose counter is at %s',
            e.position, e.feed_partition, coalesce(p.last_position::text, 'nothing')
        ) as message
    from order_history e
    left join feed_partitions p on p.feed_partition = e.feed_partition
    where e.position not between 1 and coalesce(p.last_position, 0)
    union all
    select
        2, l.feed_partition, l.position, l.position, 0,
        format(
            'position %s of partition %s has more than one event', l.position, l.feed_partition
        )
    from placed l
    where l.position = l.before
    union all
    select
        3, l.feed_partition, coalesce(l.before, 0) + 1, l.position - 1,
        l.position - coalesce(l.before, 0) - 1,
        format(
            'positions %s to %s of partition %s have no event',
            coalesce(l.before, 0) + 1, l.position - 1, l.feed_partition
        )
    from placed l
    where l.position > coalesce(l.before, 0) + 1
    union all
    select
        3, p.feed_partition, p.reached + 1, p.last_position, p.last_position - p.reached,
        format(
            'positions %s to %s of partition %s have no event, and its counter is at %s',
            p.reached + 1, p.last_position, p.feed_partition, p.last_position
        )
    from (
        select p.feed_partition, p.last_position, coalesce(max(l.position), 0) as reached
        from feed_partitions p
        left join placed l on l.feed_partition = p.feed_partition
        group by p.feed_partition, p.last_position
    ) as p
    where p.last_position > p.reached
)
select
    b.missing,
    b.message,
    jsonb_build_array(jsonb_build_object(
        'table', 'feed_partitions',
        'columns', jsonb_build_object(
            'feed_partition', b.feed_partition, 'last_position', p.last_position
        )
    )) || (
        -- The events there, or on either side of the hole.
        select coalesce(jsonb_agg(beside.evidence), '[]'::jsonb)
        from (
            select jsonb_build_object(
                'table', 'order_history',
                'columns', jsonb_build_object(
                    'shard', e.shard, 'order_id', e.order_id, 'version', e.version,
                    'type', e.type, 'state', e.state, 'feed_partition', e.feed_partition,
                    'position', e.position
                )
            ) as evidence
            from order_history e
            where e.feed_partition = b.feed_partition
                and e.position in (
                    b.first_position - sign(b.missing)::bigint,
                    b.last_position + sign(b.missing)::bigint
                )
            order by e.position
            limit 19
        ) as beside
    ) as evidence
from breach b
left join feed_partitions p on p.feed_partition = b.feed_partition
order by b.rank, b.feed_partition, b.first_position
