-- What the provider has of those payments.
delete from ledger;
delete from scripts;

insert into ledger (
    provider_key, provider_id, payment_reference, kind, outcome, amount_minor_units, currency_code,
    code, payment_method, create_time
)
select
    id_of(customer, number) || '/' || key, reference_of(customer, number, key),
    id_of(customer, number), kind, outcome, amount, 'EUR',
    case when outcome = 2 then 'card_declined' end, case when kind <= 2 then 'tok_ok' end, now()
from (
    values
    (1, 'c1', 'authorize', 2, 1, 1100),
    (2, 'c1', 'authorize', 1, 1, 500),
    (5, 'c3', 'authorize', 2, 2, 70),
    (6, 'c3', 'authorize', 2, 1, 80),
    (6, 'c3', 'refund/@reverse', 5, 1, 80),
    (8, 'c4', 'authorize', 2, 1, 1500),
    (9, 'c5', 'authorize', 1, 1, 60),
    (9, 'c5', 'void/@reverse', 4, 1, 60),
    (10, 'c5', 'authorize', 1, 1, 500),
    (10, 'c5', 'capture/k1', 3, 1, 200),
    (11, 'c6', 'authorize', 2, 2, 300),
    (11, 'c6', 'authorize/again#1', 2, 1, 300)
) as l (number, customer, key, kind, outcome, amount);
