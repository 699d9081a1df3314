-- payments.due: what should have been asked again some time ago, and by its own process was not
select d.payment_id as "payment_id!"
from (
    (
        select p.shard, p.payment_id
        from payments p
        where p.intent_next_time < now() - make_interval(secs => $1::double precision)
        order by p.intent_next_time
        limit $2
    )
    union
    (
        select o.shard, o.payment_id
        from operations o
        where o.next_time < now() - make_interval(secs => $1::double precision)
        order by o.next_time
        limit $2
    )
) as d
