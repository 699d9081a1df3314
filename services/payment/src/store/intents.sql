-- payments.store_intents: of payments that are presumed to be new
insert into payments (
    shard,
    payment_id,
    state,
    currency_code,
    requested_minor_units,
    customer_id,
    payment_method,
    auto_capture,
    provider,
    create_time,
    update_time,
    intent_state,
    intent_request_id,
    intent_key
)
select
    a.shard,
    a.payment_id,
    6,
    a.currency_code,
    a.requested_minor_units,
    a.customer_id,
    a.payment_method,
    a.auto_capture,
    $1,
    now(),
    now(),
    2,
    a.request_id,
    a.provider_key
from unnest(
    $2::smallint[],
    $3::uuid[],
    $4::text[],
    $5::bigint[],
    $6::text[],
    $7::text[],
    $8::boolean[],
    $9::text[],
    $10::text[],
    $11::timestamptz[]
) as a (
    shard,
    payment_id,
    currency_code,
    requested_minor_units,
    customer_id,
    payment_method,
    auto_capture,
    request_id,
    provider_key,
    key_time
)
where a.key_time > now() - make_interval(secs => $12::double precision)
order by a.shard, a.payment_id
returning payment_id
