-- payments.store_outcomes: rows that were reversed meanwhile, or have their answer, are left alone
with answered as materialized (
    select
        p.shard,
        p.payment_id,
        a.state,
        a.authorized_minor_units,
        a.captured_minor_units,
        a.provider_reference,
        a.refusal,
        a.message
    from unnest(
        $1::smallint[],
        $2::uuid[],
        $3::smallint[],
        $4::bigint[],
        $5::bigint[],
        $6::text[],
        $7::text[],
        $8::text[]
    ) as a (
        shard,
        payment_id,
        state,
        authorized_minor_units,
        captured_minor_units,
        provider_reference,
        refusal,
        message
    )
    join payments p on p.shard = a.shard and p.payment_id = a.payment_id
    where p.intent_state = 2
        and p.reverse_state is null
    order by p.shard, p.payment_id
    for no key update of p
)
update payments p
set
    state = a.state,
    authorized_minor_units = a.authorized_minor_units,
    captured_minor_units = a.captured_minor_units,
    provider_reference = a.provider_reference,
    version = p.version + 1,
    update_time = now(),
    intent_state = 3,
    intent_refusal = a.refusal::jsonb,
    intent_attempts = p.intent_attempts + 1,
    intent_next_time = null,
    intent_done_time = now(),
    intent_message = coalesce(a.message, p.intent_message)
from answered a
where p.shard = a.shard
    and p.payment_id = a.payment_id
returning p.payment_id
