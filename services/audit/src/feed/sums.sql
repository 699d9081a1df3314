-- audit: E1 sums
with placed as (
    select
        e.position,
        lag(e.position) over (partition by e.feed_partition order by e.position) as before
    from order_history e
    join feed_partitions p on p.feed_partition = e.feed_partition
    where e.position between 1 and p.last_position
)
select
    (select count(*) from order_history) as events,
    count(*) as placed,
    count(*) filter (where l.position = l.before) as repeated,
    (select coalesce(sum(p.last_position), 0)::bigint from feed_partitions p) as given
from placed l
