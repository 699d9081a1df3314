-- ledger.write: under keys that are presumed to be new
insert into ledger (
    provider_key,
    provider_id,
    payment_reference,
    kind,
    outcome,
    amount_minor_units,
    currency_code,
    code,
    payment_method,
    create_time
)
select
    a.provider_key,
    a.provider_id,
    a.payment_reference,
    a.kind,
    a.outcome,
    a.amount_minor_units,
    a.currency_code,
    a.code,
    a.payment_method,
    now()
from unnest(
    $1::text[],
    $2::uuid[],
    $3::uuid[],
    $4::smallint[],
    $5::smallint[],
    $6::bigint[],
    $7::text[],
    $8::text[],
    $9::text[]
) as a (
    provider_key,
    provider_id,
    payment_reference,
    kind,
    outcome,
    amount_minor_units,
    currency_code,
    code,
    payment_method
)
order by a.provider_key collate "C"
