-- payments.lock
select
    p.shard,
    p.payment_id,
    p.state,
    p.currency_code,
    p.requested_minor_units,
    p.authorized_minor_units,
    p.captured_minor_units,
    p.refunded_minor_units,
    p.voided_minor_units,
    p.customer_id,
    p.payment_method,
    p.auto_capture,
    p.provider_reference,
    p.version,
    p.create_time,
    p.update_time,
    p.intent_state,
    p.intent_request_id,
    p.intent_key,
    p.intent_refusal,
    p.intent_attempts,
    p.intent_next_time,
    p.intent_done_time,
    p.intent_message,
    p.reverse_state
from unnest($1::smallint[], $2::uuid[]) as a (shard, payment_id)
join payments p on p.shard = a.shard and p.payment_id = a.payment_id
order by p.shard, p.payment_id
for update of p
