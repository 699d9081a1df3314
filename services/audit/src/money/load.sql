-- audit: payments with their operations
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
    p.auto_capture,
    p.provider,
    p.provider_reference,
    p.version,
    p.create_time,
    p.intent_state,
    p.intent_request_id,
    p.intent_key,
    p.intent_refusal is not null as intent_refused,
    p.reverse_state,
    (
        select jsonb_agg(
            jsonb_build_object(
                'method', o.method,
                'request_id', o.request_id,
                'state', o.state,
                'amount', o.amount_minor_units,
                'auto_capture', o.auto_capture,
                'refused', o.refusal is not null,
                'provider_key', o.provider_key,
                'provider_reference', o.provider_reference,
                'create_time', o.create_time
            )
            order by o.create_time, o.method, o.request_id
        )
        from operations o
        where o.shard = p.shard
            and o.payment_id = p.payment_id
    ) as operations
from unnest($1::smallint[], $2::uuid[]) as i (shard, payment_id)
join payments p on p.shard = i.shard and p.payment_id = i.payment_id
