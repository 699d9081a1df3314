-- payments.store_tombstones
insert into payments (
    shard,
    payment_id,
    state,
    provider,
    create_time,
    update_time,
    reverse_state
)
select
    a.shard,
    a.payment_id,
    7,
    $1,
    now(),
    now(),
    3
from unnest($2::smallint[], $3::uuid[]) as a (shard, payment_id)
order by a.shard, a.payment_id
on conflict do nothing
returning payment_id
