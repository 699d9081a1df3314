//! P1 and the reversal's promise on random walks: whatever callers ask and providers answer, in any
//! order, the amounts stay ordered, equal to their operations' sums, and covered by what is left.

use super::{
    Authorization, Captures, Method, Payment, authorization, capture_of, no, now, refund_of,
    settle_all, yes,
};
use crate::domain::{Amounts, Operation, Progress};

const WALKS: u64 = 20_000;
const STEPS: u64 = 24;

/// SplitMix64 (Steele, Lea and Flood 2014).
struct Walk(u64);

impl Walk {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }

    fn amount(&mut self) -> i64 {
        1 + self.below(100).cast_signed()
    }
}

fn step(walk: &mut Walk, payment: &mut Payment, captures: Captures, number: u64) {
    let key = format!("k{}", walk.below(number + 1));
    match walk.below(9) {
        0 => {
            let again = Authorization {
                request_id: key,
                auto_capture: walk.below(2) == 0,
                ..authorization(walk.amount())
            };
            payment.authorize(&again, now());
        }
        1 => {
            payment.capture(&capture_of(&key, walk.amount()), captures, now());
        }
        2 => {
            payment.void(now());
        }
        3 => {
            payment.refund(&refund_of(&key, walk.amount()), now());
        }
        4 if walk.below(4) == 0 => {
            payment.reverse(now());
        }
        _ => {
            let waiting = payment.in_flight();
            if waiting.is_empty() {
                return;
            }
            let place = usize::try_from(walk.below(waiting.len() as u64)).unwrap();
            let id = &waiting[place].id;
            let decision = if walk.below(3) == 0 { no() } else { yes() };
            payment.settle((id.method, &id.request_id), &decision, captures, now());
        }
    }
}

fn check(payment: &Payment) {
    let Amounts {
        authorized,
        captured,
        refunded,
        voided,
    } = payment.amounts;
    assert!(
        0 <= refunded && refunded <= captured && captured + voided <= authorized,
        "P1"
    );
    assert!(
        payment.unrefunded() >= 0 && payment.uncaptured() >= 0,
        "reserved beyond what is left"
    );
    let sum = |counts: fn(&Operation) -> bool| -> i64 {
        let counted = payment
            .operations
            .iter()
            .filter(|one| one.is_successful() && counts(one));
        counted.map(|one| one.amount).sum()
    };
    assert_eq!(
        authorized,
        sum(|one| one.method == Method::Authorize),
        "P1: authorized"
    );
    let taken = sum(|one| {
        one.method == Method::Capture || one.terms.as_ref().is_some_and(|it| it.auto_capture)
    });
    assert_eq!(captured, taken, "P1: captured");
    assert_eq!(
        refunded,
        sum(|one| one.method == Method::Refund),
        "P1: refunded"
    );
    let authorizations = payment
        .operations
        .iter()
        .filter(|one| one.method == Method::Authorize && one.is_successful());
    assert!(
        authorizations.count() <= 1,
        "P2: one successful authorization"
    );
}

#[test]
fn money_laws_hold_whatever_is_asked_and_answered() {
    for seed in 0..WALKS {
        let mut walk = Walk(seed);
        let captures = if walk.below(4) == 0 {
            Captures::Once
        } else {
            Captures::Several
        };
        let first = Authorization {
            auto_capture: walk.below(2) == 0,
            ..authorization(walk.amount())
        };
        let mut payment = Payment::of_intent(&first, now());
        for number in 0..STEPS {
            step(&mut walk, &mut payment, captures, number);
            check(&payment);
        }
    }
}

#[test]
fn a_reversal_leaves_nothing_once_the_provider_has_answered() {
    for seed in 0..WALKS {
        let mut walk = Walk(seed);
        let first = Authorization {
            auto_capture: walk.below(2) == 0,
            ..authorization(walk.amount())
        };
        let mut payment = Payment::of_intent(&first, now());
        for number in 0..walk.below(STEPS) {
            step(&mut walk, &mut payment, Captures::Several, number);
        }
        let refused_before = payment
            .operation(Method::Reverse, "")
            .is_some_and(|one| one.refusal.is_some());
        payment.reverse(now());
        settle_all(&mut payment, &yes());
        check(&payment);
        assert_eq!(payment.reversal, Some(Progress::Done));
        let Amounts {
            authorized,
            captured,
            refunded,
            voided,
        } = payment.amounts;
        let refused = payment
            .operation(Method::Reverse, "")
            .is_some_and(|one| one.refusal.is_some());
        assert!(
            refused_before || refused || (captured == refunded && captured + voided == authorized)
        );
    }
}
