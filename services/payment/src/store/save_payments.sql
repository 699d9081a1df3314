-- payments.save: the rows are locked already
update payments p
set
    state = a.state,
    authorized_minor_units = a.authorized_minor_units,
    captured_minor_units = a.captured_minor_units,
    refunded_minor_units = a.refunded_minor_units,
    voided_minor_units = a.voided_minor_units,
    provider_reference = a.provider_reference,
    version = a.version,
    update_time = a.update_time,
    intent_state = a.intent_state,
    intent_refusal = a.intent_refusal::jsonb,
    intent_attempts = a.intent_attempts,
    intent_next_time = a.intent_next_time,
    intent_done_time = a.intent_done_time,
    intent_message = a.intent_message,
    reverse_state = a.reverse_state
from unnest(
    $1::smallint[],
    $2::uuid[],
    $3::smallint[],
    $4::bigint[],
    $5::bigint[],
    $6::bigint[],
    $7::bigint[],
    $8::text[],
    $9::bigint[],
    $10::timestamptz[],
    $11::smallint[],
    $12::text[],
    $13::int[],
    $14::timestamptz[],
    $15::timestamptz[],
    $16::text[],
    $17::smallint[]
) as a (
    shard,
    payment_id,
    state,
    authorized_minor_units,
    captured_minor_units,
    refunded_minor_units,
    voided_minor_units,
    provider_reference,
    version,
    update_time,
    intent_state,
    intent_refusal,
    intent_attempts,
    intent_next_time,
    intent_done_time,
    intent_message,
    reverse_state
)
where p.shard = a.shard
    and p.payment_id = a.payment_id
