-- audit: O1 events of orders that are not there
select
    format('%s events tell of order %s, which is not there', count(*), e.order_id) as message,
    jsonb_agg(jsonb_build_object(
        'table', 'order_history',
        'columns', jsonb_build_object(
            'shard', e.shard, 'order_id', e.order_id, 'version', e.version, 'type', e.type,
            'state', e.state, 'feed_partition', e.feed_partition, 'position', e.position
        )
    )) as evidence,
    count(*) as events
from order_history e
join feed_partitions p
    on p.feed_partition = e.feed_partition
    and e.position between 1 and p.last_position
where not exists (
    select
    from orders o
    where o.order_id = e.order_id
)
group by e.order_id
