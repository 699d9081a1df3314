-- Operations done twice, or under a key that does not follow from them.

-- P2: a first key that follows from nothing
-- in payment
update payments
set intent_key = gen_random_uuid()::text
where payment_id = id_of('c1', 1);

-- P2: a first key with a number
-- in payment
update payments
set intent_key = intent_key || '#1'
where payment_id = id_of('c1', 2);

-- P2: a key of another method
-- in payment
update operations
set provider_key = replace(provider_key, 'refund', 'void')
where method = 4;

-- P2: a key past the declines
-- in payment
update operations
set provider_key = replace(provider_key, '#1', '#2')
where method = 1;

-- P2: a capture without a key
-- in payment
update operations
set provider_key = null
where request_id = 'k1';

-- P2: one key twice
-- in payment
insert into operations (
    shard, payment_id, method, request_id, state, amount_minor_units, requested_minor_units,
    refusal, create_time, update_time
)
select
    shard, payment_id, method, request_id, state, amount_minor_units, requested_minor_units,
    refusal, create_time, update_time
from operations
where request_id = 'k2';

-- P2: authorized twice
-- in payment
insert into operations (
    shard, payment_id, method, request_id, state, amount_minor_units, payment_method,
    auto_capture, provider_key, provider_reference, create_time, update_time
)
select
    shard, payment_id, 1, 'again', 3, 0, 'tok_ok', true, payment_id || '/authorize/again#1',
    'x', now(), now()
from payments
where payment_id = id_of('c1', 1);

-- P2: charged twice at the provider
-- in provider
insert into ledger (
    provider_key, provider_id, payment_reference, kind, outcome, amount_minor_units,
    currency_code, code, payment_method, create_time
)
select
    provider_key || '/again', gen_random_uuid(), payment_reference, kind, outcome,
    amount_minor_units, currency_code, code, payment_method, create_time
from ledger
where payment_reference = id_of('c1', 1);

-- P2: called before its intent
-- in provider
update ledger
set create_time = now() - interval '1 hour'
where payment_reference = id_of('c4', 8);

-- P2: a decline that the provider has done too
-- in provider
update ledger
set outcome = 1, code = null
where payment_reference = id_of('c6', 11);
