-- payments.store_outcomes: rows that were reversed meanwhile, or have their answer, are left alone.
-- The plan is pinned to a nested loop over the sorted items, so rows are locked in key order.
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
from (
    select *
    from unnest(
        $1::smallint[],
        $2::uuid[],
        $3::smallint[],
        $4::bigint[],
        $5::bigint[],
        $6::text[],
        $7::text[],
        $8::text[]
    ) as i (
        shard,
        payment_id,
        state,
        authorized_minor_units,
        captured_minor_units,
        provider_reference,
        refusal,
        message
    )
    order by i.shard, i.payment_id
) as a
where p.shard = a.shard
    and p.payment_id = a.payment_id
    and p.intent_state = 2
    and p.reverse_state is null
returning p.payment_id
