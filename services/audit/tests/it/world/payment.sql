-- The payments of those of the orders that came so far. Their intents are older than what
-- the provider did, however slowly the databases are filled one after the other.
delete from payments;
delete from operations;

insert into payments (
    shard, payment_id, state, currency_code, requested_minor_units, authorized_minor_units,
    captured_minor_units, refunded_minor_units, voided_minor_units, customer_id, payment_method,
    auto_capture, provider, provider_reference, version, create_time, update_time, intent_state,
    intent_key, intent_refusal, intent_attempts, intent_done_time, reverse_state
)
select
    shard_of(customer), id_of(customer, number), state,
    case when not tombstone then 'EUR' end, coalesce(requested, 0), authorized, captured, refunded,
    voided, case when not tombstone then customer end, case when not tombstone then 'tok_ok' end,
    case when not tombstone then charge end, 1,
    case when authorized > 0 then reference_of(customer, number, attempt) end, 2,
    now() - interval '30 min', now(),
    case when not tombstone then 3 end,
    case when not tombstone then id_of(customer, number) || '/authorize' end,
    case when declined then '{"reason":"PAYMENT_DECLINED"}'::jsonb end,
    1, now(), reversed
from (
    values
    (1, 'c1', 2, 1100, 1100, 1100, 0, 0, true, 'authorize', false, false, null),
    (2, 'c1', 1, 500, 500, 0, 0, 0, false, 'authorize', false, false, null),
    (5, 'c3', 5, 70, 0, 0, 0, 0, true, 'authorize', true, false, null),
    (6, 'c3', 3, 80, 80, 80, 80, 0, true, 'authorize', false, false, 3),
    (7, 'c4', 7, null, 0, 0, 0, 0, null, null, false, true, 3),
    (8, 'c4', 2, 1500, 1500, 1500, 0, 0, true, 'authorize', false, false, null),
    (9, 'c5', 4, 60, 60, 0, 0, 60, false, 'authorize', false, false, 3),
    (10, 'c5', 2, 500, 500, 200, 0, 0, false, 'authorize', false, false, null),
    (11, 'c6', 2, 300, 300, 300, 0, 0, true, 'authorize/again#1', true, false, null)
) as p (
    number, customer, state, requested, authorized, captured, refunded, voided, charge, attempt,
    declined, tombstone, reversed
);

insert into operations (
    shard, payment_id, method, request_id, state, amount_minor_units, requested_minor_units,
    payment_method, auto_capture, refusal, provider_key, provider_reference, attempts, create_time,
    update_time
)
select
    shard_of(customer), id_of(customer, number), method, request_id, 3, amount, amount,
    case when method = 1 then 'tok_ok' end, case when method = 1 then true end, refusal::jsonb,
    id_of(customer, number) || '/' || key,
    case when refusal is null and key is not null then reference_of(customer, number, key) end,
    1, now() - interval '30 min', now()
from (
    values
    (6, 'c3', 4, '@reverse', 80, 'refund/@reverse', null),
    (6, 'c3', 5, '', 80, null, null),
    (9, 'c5', 3, '@reverse', 60, 'void/@reverse', null),
    (9, 'c5', 5, '', 60, null, null),
    (10, 'c5', 2, 'k1', 200, 'capture/k1', null),
    (10, 'c5', 2, 'k2', 900, null, '{"reason":"CAPTURE_EXCEEDS_AUTHORIZED"}'),
    (11, 'c6', 1, 'again', 300, 'authorize/again#1', null)
) as o (number, customer, method, request_id, amount, key, refusal);
