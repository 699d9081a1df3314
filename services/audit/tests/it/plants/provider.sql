-- Payments and the ledger that do not say the same.

-- P3: the provider has no trace
-- in provider
delete from ledger
where payment_reference = id_of('c1', 1);

-- P3: the provider has no trace of a refund
-- in provider
delete from ledger
where kind = 5;

-- P3: another amount at the provider
-- in provider
update ledger
set amount_minor_units = 1101
where payment_reference = id_of('c1', 1);

-- P3: another currency at the provider
-- in provider
update ledger
set currency_code = 'USD'
where payment_reference = id_of('c1', 1);

-- P3: another kind at the provider
-- in provider
update ledger
set kind = 1
where payment_reference = id_of('c1', 1);

-- P3: declined at the provider
-- in provider
update ledger
set outcome = 2, code = 'no'
where payment_reference = id_of('c1', 2);

-- P3: another id at the provider
-- in provider
update ledger
set provider_id = gen_random_uuid()
where payment_reference = id_of('c1', 1);

-- P3: done at the provider, refused here
-- in provider
update ledger
set outcome = 1, code = null
where payment_reference = id_of('c3', 5);

-- P3: another reference here
-- in payment
update payments
set provider_reference = 'x'
where payment_id = id_of('c1', 1);

-- P3: another reference of a further authorization
-- in payment
update payments
set provider_reference = 'x'
where payment_id = id_of('c6', 11);

-- P3: another currency here
-- in payment
update payments
set currency_code = 'USD'
where payment_id = id_of('c1', 1);

-- P3: all amounts different here
-- in payment
update payments
set requested_minor_units = 1101, authorized_minor_units = 1101, captured_minor_units = 1101
where payment_id = id_of('c1', 1);

-- P3: a refund that payments do not know
-- in provider
insert into ledger (
    provider_key, provider_id, payment_reference, kind, outcome, amount_minor_units,
    currency_code, code, payment_method, create_time
)
select
    payment_reference || '/refund/x', gen_random_uuid(), payment_reference, 5, 1, 5, 'EUR',
    null, null, now()
from ledger
where payment_reference = id_of('c1', 1);

-- P3: a charge without a payment
-- in provider
insert into ledger (
    provider_key, provider_id, payment_reference, kind, outcome, amount_minor_units,
    currency_code, code, payment_method, create_time
)
values (
    id_of('c9', 77) || '/authorize', gen_random_uuid(), id_of('c9', 77), 2, 1, 5, 'EUR', null,
    'tok_ok', now()
);

-- P3: a payment lost of a rejected order
-- in payment
delete from payments
where payment_id = id_of('c3', 5);
