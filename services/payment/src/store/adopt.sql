-- payments.adopt: intents that a stopped process left without a word get a time to be asked again
with left_behind as materialized (
    select p.shard, p.payment_id
    from payments p
    where p.create_time >= (select m.adopted_until from recovery m where m.recovery_id = 1)
        and p.create_time < now() - make_interval(secs => $1::double precision)
        and p.intent_state = 2
        and p.intent_next_time is null
    order by p.shard, p.payment_id
    for no key update of p
),
adopted as (
    update payments p
    set intent_next_time = now() - make_interval(secs => $1::double precision)
    from left_behind l
    where p.shard = l.shard
        and p.payment_id = l.payment_id
    returning p.payment_id
)
update recovery
set adopted_until = greatest(adopted_until, now() - make_interval(secs => $1::double precision))
where recovery_id = 1
returning (select count(*) from adopted) as "adopted!"
