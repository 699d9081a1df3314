//! Facts about payments, one test each.

use holdfast_kit::refusal::Reason;

use super::{
    Authorization, Begun, Captures, Method, Payment, authorization, capture_of, charge, is_running,
    no, now, paid, refund_of, settle_all, yes,
};
use crate::domain::{Outcome, Progress, REVERSAL, State};

fn refusal(begun: Begun) -> (Reason, bool) {
    match begun {
        Begun::Settled {
            outcome: Outcome::Refused(refusal),
            replayed,
        } => (refusal.reason, replayed),
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn of_two_refunds_that_do_not_fit_together_the_second_is_refused_at_once() {
    let mut payment = paid(&charge(100));
    assert!(is_running(&payment.refund(&refund_of("a", 60), now())));
    let second = payment.refund(&refund_of("b", 60), now());
    assert_eq!(refusal(second), (Reason::RefundExceedsCaptured, false));
    settle_all(&mut payment, &yes());
    assert_eq!(payment.amounts.refunded, 60);
}

#[test]
fn a_recorded_refusal_is_repeated_even_when_the_money_is_free_again() {
    let mut payment = paid(&charge(100));
    payment.refund(&refund_of("a", 60), now());
    payment.refund(&refund_of("b", 60), now());
    settle_all(&mut payment, &no());
    assert_eq!(payment.unrefunded(), 100);
    let again = payment.refund(&refund_of("b", 60), now());
    assert_eq!(refusal(again), (Reason::RefundExceedsCaptured, true));
}

#[test]
fn a_key_with_another_body_names_the_fields_that_differ() {
    let payment = paid(&charge(100));
    let other = Authorization {
        customer_id: "c2".to_owned(),
        ..authorization(99)
    };
    let Some(Begun::Settled {
        outcome: Outcome::Refused(refusal),
        ..
    }) = payment.authorize_replay(&other)
    else {
        panic!("not refused");
    };
    let fields: Vec<_> = refusal
        .field_violations
        .iter()
        .map(|it| it.field.as_str())
        .collect();
    assert_eq!(
        fields,
        ["amount.minor_units", "customer_id", "auto_capture"]
    );
}

#[test]
fn a_reversal_of_an_authorization_in_flight_waits_and_then_pays_back_once() {
    let mut payment = Payment::of_intent(&charge(100), now());
    assert!(is_running(&payment.reverse(now())));
    assert_eq!(
        payment.in_flight().len(),
        1,
        "nothing is undone before the charge has its answer"
    );
    payment.settle((Method::Authorize, ""), &yes(), Captures::Several, now());
    assert_eq!(
        payment.operation(Method::Refund, REVERSAL).unwrap().amount,
        100
    );
    payment.reverse(now());
    settle_all(&mut payment, &yes());
    payment.reverse(now());
    assert_eq!(
        (payment.amounts.refunded, payment.state),
        (100, State::Refunded)
    );
    assert_eq!(payment.reversal, Some(Progress::Done));
}

#[test]
fn a_declined_authorization_stays_declined_after_its_reversal() {
    let mut payment = Payment::of_intent(&charge(100), now());
    payment.reverse(now());
    settle_all(&mut payment, &no());
    assert_eq!(payment.state, State::Declined);
    let replay = payment.authorize_replay(&charge(100)).unwrap();
    assert_eq!(refusal(replay), (Reason::PaymentDeclined, true));
    let again = Authorization {
        request_id: "again".to_owned(),
        ..charge(100)
    };
    let barred = Outcome::Barred(Reason::PaymentReversed);
    assert_eq!(
        payment.authorize(&again, now()),
        Begun::Settled {
            replayed: false,
            outcome: barred
        }
    );
}

#[test]
fn another_attempt_after_a_decline_has_another_provider_key() {
    let mut payment = Payment::of_intent(&charge(100), now());
    let first = payment.in_flight()[0].call.key.clone();
    settle_all(&mut payment, &no());
    let again = Authorization {
        request_id: "again".to_owned(),
        ..charge(100)
    };
    assert!(is_running(&payment.authorize(&again, now())));
    let second = payment.in_flight()[0].call.key.clone();
    assert_ne!(first, second);
    assert!(second.as_str().ends_with("/authorize/again#1"), "{second}");
}

#[test]
fn what_a_single_capture_leaves_is_set_free() {
    let mut payment = paid(&authorization(100));
    payment.capture(&capture_of("a", 60), Captures::Once, now());
    payment.settle((Method::Capture, "a"), &yes(), Captures::Once, now());
    assert_eq!((payment.amounts.captured, payment.amounts.voided), (60, 40));
    let second = payment.capture(&capture_of("b", 1), Captures::Once, now());
    assert_eq!(refusal(second).0, Reason::CaptureExceedsAuthorized);
}

#[test]
fn silence_changes_no_amount_and_keeps_the_payment_unknown() {
    let mut payment = Payment::of_intent(&charge(100), now());
    payment.defer((Method::Authorize, ""), "timed out", now(), now());
    assert_eq!(payment.state, State::Unknown);
    assert_eq!(payment.operations[0].attempts, 1);
    assert_eq!(payment.outcome(Method::Authorize, ""), None);
}

#[test]
fn a_second_answer_of_the_provider_changes_nothing() {
    let mut payment = paid(&charge(100));
    let before = payment.clone();
    payment.settle((Method::Authorize, ""), &no(), Captures::Several, now());
    assert_eq!(payment, before);
}
