//! Bad rows of the payments and of the provider's ledger.

use holdfast_audit::PredicateId::{O2, O3, P1, P2, P3};
use holdfast_audit::Source::{Order, Payment, Provider};

use super::{Plant, each_is_found_once, plant};

const SUMS: [Plant; 11] = [
    plant("captured one too few", &[(Payment, "update payments set captured_minor_units = 1099 where payment_id = id_of('c1', 1)")], P1),
    plant("captured past authorized", &[(Payment, "update payments set captured_minor_units = 1101 where payment_id = id_of('c1', 1)")], P1),
    plant("authorized one too many", &[(Payment, "update payments set authorized_minor_units = 501 where payment_id = id_of('c1', 2)")], P1),
    plant("refunded without a refund", &[(Payment, "update payments set refunded_minor_units = 100, state = 3 where payment_id = id_of('c4', 8)")], P1),
    plant("voided one too few", &[(Payment, "update payments set voided_minor_units = 59 where payment_id = id_of('c5', 9)")], P1),
    plant("another amount was asked for", &[(Payment, "update payments set requested_minor_units = 1 where payment_id = id_of('c1', 1)")], P1),
    plant("a refund of another size", &[(Payment, "update operations set amount_minor_units = 81 where method = 4")], P1),
    plant("a refund that is lost", &[(Payment, "delete from operations where method = 4")], P1),
    plant("a capture that is lost", &[(Payment, "delete from operations where method = 2 and request_id = 'k1'")], P1),
    plant("a state that the amounts do not speak of", &[(Payment, "update payments set state = 4 where payment_id = id_of('c1', 1)")], P1),
    plant("a decline that was charged", &[(Payment, "update payments set intent_refusal = null where payment_id = id_of('c3', 5)")], P1),
];

const KEYS: [Plant; 10] = [
    plant("a first key that follows from nothing", &[(Payment, "update payments set intent_key = gen_random_uuid()::text where payment_id = id_of('c1', 1)")], P2),
    plant("a first key with a number", &[(Payment, "update payments set intent_key = intent_key || '#1' where payment_id = id_of('c1', 2)")], P2),
    plant("a key of another method", &[(Payment, "update operations set provider_key = replace(provider_key, 'refund', 'void') where method = 4")], P2),
    plant("a key past the declines", &[(Payment, "update operations set provider_key = replace(provider_key, '#1', '#2') where method = 1")], P2),
    plant("a capture without a key", &[(Payment, "update operations set provider_key = null where request_id = 'k1'")], P2),
    plant("one key twice", &[(Payment, "insert into operations select * from operations where request_id = 'k2'")], P2),
    plant("authorized twice", &[(Payment, "insert into operations (shard, payment_id, method, request_id, state, amount_minor_units, payment_method, auto_capture, provider_key, provider_reference, create_time, update_time) select shard, payment_id, 1, 'again', 3, 0, 'tok_ok', true, payment_id || '/authorize/again#1', 'x', now(), now() from payments where payment_id = id_of('c1', 1)")], P2),
    plant("charged twice at the provider", &[(Provider, "insert into ledger select provider_key || '/again', gen_random_uuid(), payment_reference, kind, outcome, amount_minor_units, currency_code, code, payment_method, create_time from ledger where payment_reference = id_of('c1', 1)")], P2),
    plant("called before its intent", &[(Provider, "update ledger set create_time = now() - interval '1 hour' where payment_reference = id_of('c4', 8)")], P2),
    plant("a decline that the provider has done too", &[(Provider, "update ledger set outcome = 1, code = null where payment_reference = id_of('c6', 11)")], P2),
];

const PROVIDER: [Plant; 15] = [
    plant("the provider has no trace", &[(Provider, "delete from ledger where payment_reference = id_of('c1', 1)")], P3),
    plant("the provider has no trace of a refund", &[(Provider, "delete from ledger where kind = 5")], P3),
    plant("another amount at the provider", &[(Provider, "update ledger set amount_minor_units = 1101 where payment_reference = id_of('c1', 1)")], P3),
    plant("another currency at the provider", &[(Provider, "update ledger set currency_code = 'USD' where payment_reference = id_of('c1', 1)")], P3),
    plant("another kind at the provider", &[(Provider, "update ledger set kind = 1 where payment_reference = id_of('c1', 1)")], P3),
    plant("declined at the provider", &[(Provider, "update ledger set outcome = 2, code = 'no' where payment_reference = id_of('c1', 2)")], P3),
    plant("another id at the provider", &[(Provider, "update ledger set provider_id = gen_random_uuid() where payment_reference = id_of('c1', 1)")], P3),
    plant("done at the provider, refused here", &[(Provider, "update ledger set outcome = 1, code = null where payment_reference = id_of('c3', 5)")], P3),
    plant("another reference here", &[(Payment, "update payments set provider_reference = 'x' where payment_id = id_of('c1', 1)")], P3),
    plant("another reference of a further authorization", &[(Payment, "update payments set provider_reference = 'x' where payment_id = id_of('c6', 11)")], P3),
    plant("another currency here", &[(Payment, "update payments set currency_code = 'USD' where payment_id = id_of('c1', 1)")], P3),
    plant("all amounts different here", &[(Payment, "update payments set requested_minor_units = 1101, authorized_minor_units = 1101, captured_minor_units = 1101 where payment_id = id_of('c1', 1)")], P3),
    plant("a refund that payments do not know", &[(Provider, "insert into ledger select payment_reference || '/refund/x', gen_random_uuid(), payment_reference, 5, 1, 5, 'EUR', null, null, now() from ledger where payment_reference = id_of('c1', 1)")], P3),
    plant("a charge without a payment", &[(Provider, "insert into ledger values (id_of('c9', 77) || '/authorize', gen_random_uuid(), id_of('c9', 77), 2, 1, 5, 'EUR', null, 'tok_ok', now())")], P3),
    plant("a payment lost of a rejected order", &[(Payment, "delete from payments where payment_id = id_of('c3', 5)")], P3),
];

const OF_ORDERS: [Plant; 12] = [
    plant("a payment lost of a confirmed order", &[(Payment, "delete from payments where payment_id = id_of('c1', 1)")], O2),
    plant("a payment reversed of a confirmed order", &[(Payment, "update payments set reverse_state = 3 where payment_id = id_of('c1', 1)")], O2),
    plant("another total", &[(Order, "update orders set total_minor_units = 1200 where order_id = id_of('c1', 1)")], O2),
    plant("no total", &[(Order, "update orders set total_minor_units = 0, captured_minor_units = 0 where order_id = id_of('c1', 1)")], O2),
    plant("a total that nobody has paid", &[(Order, "update orders set total_minor_units = 100 where order_id = id_of('c2', 3)")], O2),
    plant("another currency", &[(Order, "update orders set currency_code = 'USD' where order_id = id_of('c1', 2)")], O2),
    plant("to be captured at another time", &[(Order, "update orders set capture = 2 where order_id = id_of('c4', 8)")], O2),
    plant("captured less than it says", &[(Order, "update orders set captured_minor_units = 299 where order_id = id_of('c6', 11)")], O2),
    plant(
        "a confirmed order whose payment was declined",
        &[
            (Payment, "update payments set state = 5, authorized_minor_units = 0, provider_reference = null, intent_refusal = '{}' where payment_id = id_of('c1', 2)"),
            (Provider, "update ledger set outcome = 2, code = 'no' where payment_reference = id_of('c1', 2)"),
        ],
        O2,
    ),
    plant(
        "a rejected order was charged",
        &[
            (Payment, "insert into payments select shard_of('c2'), id_of('c2', 4), state, currency_code, 50, 50, 50, 0, 0, customer_id, payment_method, auto_capture, provider, provider_reference, version, create_time, update_time, intent_state, null, id_of('c2', 4) || '/authorize', null, 1, null, now(), null, null from payments where payment_id = id_of('c1', 1)"),
            (Provider, "insert into ledger select id_of('c2', 4) || '/authorize', provider_id, id_of('c2', 4), 2, 1, 50, 'EUR', null, 'tok_ok', now() from ledger where payment_reference = id_of('c1', 1)"),
        ],
        O3,
    ),
    plant(
        "a rejected order's money stays set aside",
        &[
            (Payment, "update payments set state = 1, voided_minor_units = 0 where payment_id = id_of('c5', 9)"),
            (Payment, "delete from operations where method = 3"),
            (Provider, "delete from ledger where kind = 4"),
        ],
        O3,
    ),
    plant(
        "a rejected order's payment is in flight",
        &[
            (Payment, "update payments set state = 6, intent_state = 2, intent_refusal = null where payment_id = id_of('c3', 5)"),
            (Provider, "delete from ledger where payment_reference = id_of('c3', 5)"),
        ],
        O3,
    ),
];

#[tokio::test]
async fn every_bad_sum_is_found_once() {
    each_is_found_once(&SUMS, false).await;
}

#[tokio::test]
async fn every_bad_key_is_found_once() {
    each_is_found_once(&KEYS, false).await;
}

#[tokio::test]
async fn every_disagreement_with_the_provider_is_found_once() {
    each_is_found_once(&PROVIDER, false).await;
}

#[tokio::test]
async fn every_order_with_the_wrong_money_is_found_once() {
    each_is_found_once(&OF_ORDERS, false).await;
}
