//! The state machine against its golden transition table, its laws on random walks, and the facts
//! that deserve a name.

mod facts;
mod laws;
mod table;

use chrono::{DateTime, Utc};
use holdfast_kit::{id::PaymentId, money::Money};

use super::{
    Authorization, Begun, Capture, Captures, Decision, Decline, DeclineKind, Method, Payment,
    Refund,
};

fn now() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH
}

fn payment_id() -> PaymentId {
    "018f0000-0000-7000-8000-000000000001".parse().unwrap()
}

fn eur(minor_units: i64) -> Money {
    Money::new("EUR".parse().unwrap(), minor_units).unwrap()
}

fn authorization(minor_units: i64) -> Authorization {
    Authorization {
        payment_id: payment_id(),
        request_id: String::new(),
        amount: eur(minor_units),
        payment_method: "tok_ok".to_owned(),
        customer_id: "c1".to_owned(),
        auto_capture: false,
    }
}

fn charge(minor_units: i64) -> Authorization {
    Authorization {
        auto_capture: true,
        ..authorization(minor_units)
    }
}

fn capture_of(request_id: &str, minor_units: i64) -> Capture {
    Capture {
        request_id: request_id.to_owned(),
        amount: Some(eur(minor_units)),
    }
}

fn refund_of(request_id: &str, minor_units: i64) -> Refund {
    Refund {
        request_id: request_id.to_owned(),
        amount: Some(eur(minor_units)),
    }
}

fn yes() -> Decision {
    Decision::Succeeded {
        reference: "ref".to_owned(),
    }
}

fn no() -> Decision {
    Decision::Declined(Decline {
        kind: DeclineKind::Declined,
        code: "card_declined".to_owned(),
        message: "no".to_owned(),
    })
}

/// Answers everything in flight, repeatedly, as a reversal may send more.
fn settle_all(payment: &mut Payment, decision: &Decision) {
    while let Some(first) = payment.in_flight().into_iter().next() {
        let key = (first.id.method, first.id.request_id.as_str());
        payment.settle(key, decision, Captures::Several, now());
    }
}

/// A payment whose first authorization was answered with yes.
fn paid(ask: &Authorization) -> Payment {
    let mut payment = Payment::of_intent(ask, now());
    payment.settle((Method::Authorize, ""), &yes(), Captures::Several, now());
    payment
}

fn is_running(begun: &Begun) -> bool {
    matches!(begun, Begun::Running { .. })
}
