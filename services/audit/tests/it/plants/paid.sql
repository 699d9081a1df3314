-- Orders with the wrong money.

-- O2: a payment lost of a confirmed order
-- in payment
delete from payments
where payment_id = id_of('c1', 1);

-- O2: a payment reversed of a confirmed order
-- in payment
update payments
set reverse_state = 3
where payment_id = id_of('c1', 1);

-- O2: another total
-- in order
update orders
set total_minor_units = 1200
where order_id = id_of('c1', 1);

-- O2: no total
-- in order
update orders
set total_minor_units = 0, captured_minor_units = 0
where order_id = id_of('c1', 1);

-- O2: a total that nobody has paid
-- in order
update orders
set total_minor_units = 100
where order_id = id_of('c2', 3);

-- O2: another currency
-- in order
update orders
set currency_code = 'USD'
where order_id = id_of('c1', 2);

-- O2: to be captured at another time
-- in order
update orders
set capture = 2
where order_id = id_of('c4', 8);

-- O2: captured less than it says
-- in order
update orders
set captured_minor_units = 299
where order_id = id_of('c6', 11);

-- O2: a confirmed order whose payment was declined
-- in payment
update payments
set state = 5, authorized_minor_units = 0, provider_reference = null, intent_refusal = '{}'
where payment_id = id_of('c1', 2);
-- in provider
update ledger
set outcome = 2, code = 'no'
where payment_reference = id_of('c1', 2);

-- O3: a rejected order was charged
-- in payment
insert into payments (
    shard, payment_id, provider, create_time, update_time, requested_minor_units,
    authorized_minor_units, captured_minor_units, auto_capture, currency_code, intent_key,
    intent_state, state, provider_reference
)
select
    shard_of('c2'), id_of('c2', 4), provider, create_time, update_time, 50, 50, 50, true, 'EUR',
    id_of('c2', 4) || '/authorize', 3, 2, provider_reference
from payments
where payment_id = id_of('c1', 1);
-- in provider
insert into ledger (
    provider_key, provider_id, payment_reference, kind, outcome, amount_minor_units,
    currency_code, code, payment_method, create_time
)
select
    id_of('c2', 4) || '/authorize', provider_id, id_of('c2', 4), 2, 1, 50, 'EUR', null,
    'tok_ok', now()
from ledger
where payment_reference = id_of('c1', 1);

-- O3: a rejected order's money stays set aside
-- in payment
update payments
set state = 1, voided_minor_units = 0
where payment_id = id_of('c5', 9);
-- in payment
delete from operations
where method = 3;
-- in provider
delete from ledger
where kind = 4;

-- O3: a rejected order's payment is in flight
-- in payment
update payments
set state = 6, intent_state = 2, intent_refusal = null
where payment_id = id_of('c3', 5);
-- in provider
delete from ledger
where payment_reference = id_of('c3', 5);
