-- operations.read: with the time after the payments were locked, even where there is none
select
    c.read_time as "read_time!",
    o.payment_id as "payment_id?",
    o.method as "method?",
    o.request_id as "request_id?",
    o.state as "state?",
    o.amount_minor_units as "amount_minor_units?",
    o.requested_minor_units as "requested_minor_units?",
    o.payment_method as "payment_method?",
    o.auto_capture as "auto_capture?",
    o.refusal as "refusal?",
    o.provider_key as "provider_key?",
    o.provider_reference as "provider_reference?",
    o.provider_message as "provider_message?",
    o.attempts as "attempts?",
    o.next_time as "next_time?",
    o.create_time as "create_time?",
    o.update_time as "update_time?"
from (select clock_timestamp() as read_time) c
left join (
    unnest($1::smallint[], $2::uuid[]) as a (shard, payment_id)
    join operations o on o.shard = a.shard and o.payment_id = a.payment_id
) on true
order by o.create_time, o.method, o.request_id
