//! What a payment breaks: P1 by its sums, P2 by its keys and repetitions, P3 by what the provider
//! says otherwise. Nothing here reads; the first predicate that is broken is the finding.

use std::collections::HashSet;

use chrono::TimeDelta;

use super::payment::{
    AUTHORIZE, CAPTURE, Entry, IN_FLIGHT, Operation, Payment, REFUND, REVERSE, VOID, operation_row,
    row_of,
};
use crate::predicate::PredicateId::{self, P1, P2, P3};
use crate::tally::Fault;

/// How far the clocks of two database servers may be apart.
const CLOCK_SKEW_MAX: TimeDelta = TimeDelta::seconds(5);
/// Rows of operations that a finding shows; the ledger's come after them.
const OPERATION_ROWS_MAX: usize = 9;
/// The provider whose voids are operations of their own.
const SIMULATED: i16 = 1;

/// A predicate that a payment seems to break.
pub(crate) struct Suspicion {
    /// What it is.
    pub(crate) fault: Fault,
    /// Whether the payment's own rows tell it: then it needs no second look.
    pub(crate) certain: bool,
}

/// Judges a payment by the predicates that were asked for. Without `entries` the provider is left
/// out.
pub(crate) fn suspect(
    payment: &Payment,
    entries: Option<&[Entry]>,
    asked: impl Fn(PredicateId) -> bool,
) -> Option<Suspicion> {
    let own = [(P1, sums(payment)), (P2, repetitions(payment))];
    let told = entries.map(|entries| {
        [
            (P2, at_provider(payment, entries)),
            (P3, disagreement(payment, entries)),
        ]
    });
    let own = own.into_iter().map(|(id, message)| (id, message, true));
    let told = told
        .into_iter()
        .flatten()
        .map(|(id, message)| (id, message, false));
    let broken = |(id, message, certain): (PredicateId, Option<String>, bool)| {
        let message = message.filter(|_| asked(id))?;
        let what = format!("payment {} {message}", payment.payment_id);
        let rows = evidence(payment, entries.unwrap_or_default());
        let fault = Fault {
            predicate: id,
            message: what,
            rows,
        };
        Some(Suspicion { fault, certain })
    };
    own.chain(told).find_map(broken)
}

fn evidence(payment: &Payment, entries: &[Entry]) -> Vec<crate::finding::Row> {
    let further = payment
        .operations
        .iter()
        .skip(usize::from(payment.has_intent));
    let further = further
        .take(OPERATION_ROWS_MAX)
        .map(|it| operation_row(payment, it));
    std::iter::once(row_of(payment))
        .chain(further)
        .chain(entries.iter().map(Entry::row))
        .collect()
}

/// P1: each amount is the sum of its operations, they are in order, and the state says so.
fn sums(payment: &Payment) -> Option<String> {
    let done = |method, charges: bool| -> i128 {
        let counts = |it: &&Operation| {
            it.method == method && it.is_successful() && (!charges || it.auto_capture == Some(true))
        };
        payment
            .operations
            .iter()
            .filter(counts)
            .map(|it| i128::from(it.amount))
            .sum()
    };
    let expected = [
        done(AUTHORIZE, false),
        done(AUTHORIZE, true) + done(CAPTURE, false),
        done(REFUND, false),
        done(VOID, false),
    ];
    let stored = [
        payment.authorized,
        payment.captured,
        payment.refunded,
        payment.voided,
    ];
    let [authorized, captured, refunded, voided] = stored.map(i128::from);
    // Another provider may set the rest free with a capture, without a void.
    let sums_of = |it: [i128; 4]| {
        if payment.provider == SIMULATED {
            it
        } else {
            [it[0], it[1], it[2], 0]
        }
    };
    if sums_of(expected) != sums_of([authorized, captured, refunded, voided]) {
        let [sum_a, sum_c, sum_r, sum_v] = expected;
        return Some(format!(
            "says authorized {authorized}, captured {captured}, refunded {refunded}, voided \
             {voided}, and its operations add up to {sum_a}, {sum_c}, {sum_r}, {sum_v}"
        ));
    }
    let in_order = 0 <= refunded
        && refunded <= captured
        && captured <= authorized
        && 0 <= voided
        && voided <= authorized - captured;
    if !in_order {
        return Some(format!(
            "has refunded {refunded}, captured {captured}, voided {voided} and authorized \
             {authorized}, which cannot be"
        ));
    }
    let state = state_of(payment);
    (payment.state != state).then(|| {
        format!(
            "is in state {}, and its amounts speak of state {state}",
            payment.state
        )
    })
}

/// The state that a payment's amounts and operations speak of.
fn state_of(payment: &Payment) -> i16 {
    if !payment.has_intent {
        7
    } else if payment.operations.iter().any(|it| it.state == IN_FLIGHT) {
        6
    } else if payment.refunded > 0 {
        3
    } else if payment.captured > 0 {
        2
    } else if payment.voided > 0 {
        4
    } else if payment.authorized > 0 {
        1
    } else {
        5
    }
}

/// P2, by the payment's own rows: one success, each key once, and keys that follow from what they
/// are for.
fn repetitions(payment: &Payment) -> Option<String> {
    let successes = payment.authorizations().count();
    if successes > 1 {
        return Some(format!("was authorized or charged {successes} times"));
    }
    let mut seen = HashSet::new();
    if let Some(twice) = payment
        .operations
        .iter()
        .find(|it| !seen.insert((it.method, it.request_id.as_str())))
    {
        return Some(format!(
            "has more than one operation of method {} under the key {:?}",
            twice.method, twice.request_id
        ));
    }
    let wrong = |(index, it): (usize, &Operation)| {
        let is_first = payment.has_intent && index == 0;
        (!has_its_key(payment, it, is_first)).then(|| {
            let key = it.provider_key.as_deref().unwrap_or("nothing");
            format!(
                "has an operation of method {} and key {:?} whose provider key is {key}",
                it.method, it.request_id
            )
        })
    };
    payment.operations.iter().enumerate().find_map(wrong)
}

/// The provider's key: payment, method, the caller's key if there is one, and after `#` how many
/// authorizations were declined before.
fn has_its_key(payment: &Payment, operation: &Operation, is_first: bool) -> bool {
    let name = match operation.method {
        AUTHORIZE => "authorize",
        CAPTURE => "capture",
        VOID => "void",
        REFUND => "refund",
        _ => return operation.provider_key.is_none(),
    };
    let Some(key) = &operation.provider_key else {
        // Refused before the provider was asked.
        return operation.refused;
    };
    let mut base = format!("{}/{name}", payment.payment_id);
    if !operation.request_id.is_empty() {
        base.push('/');
        base.push_str(&operation.request_id);
    }
    let Some(rest) = key.strip_prefix(&base) else {
        return false;
    };
    let declines = || {
        let declined =
            |it: &&Operation| it.method == AUTHORIZE && it.refused && it.provider_key.is_some();
        payment.operations.iter().filter(declined).count()
    };
    match rest.strip_prefix('#') {
        None => rest.is_empty() && (is_first || operation.method != AUTHORIZE),
        Some(number) => {
            operation.method == AUTHORIZE
                && !is_first
                && number
                    .parse()
                    .is_ok_and(|number: usize| (1..=declines()).contains(&number))
        }
    }
}

/// P2, at the provider: one success, and no call before its intent.
fn at_provider(payment: &Payment, entries: &[Entry]) -> Option<String> {
    let successes = entries
        .iter()
        .filter(|it| it.is_successful() && it.kind <= 2)
        .count();
    if successes > 1 {
        return Some(format!(
            "was authorized or charged {successes} times at the provider"
        ));
    }
    let early = |it: &Operation| {
        let entry = entries
            .iter()
            .find(|entry| Some(&entry.provider_key) == it.provider_key.as_ref())?;
        (entry.create_time + CLOCK_SKEW_MAX < it.create_time).then(|| {
            format!(
                "has an intent of {} under {}, which the provider did at {}",
                it.create_time.to_rfc3339(),
                entry.provider_key,
                entry.create_time.to_rfc3339()
            )
        })
    };
    payment.operations.iter().find_map(early)
}

/// P3: what payments says was done is at the provider, and the other way round.
fn disagreement(payment: &Payment, entries: &[Entry]) -> Option<String> {
    let own = payment
        .operations
        .iter()
        .filter(|it| it.method != REVERSE && it.state != IN_FLIGHT);
    let differs = |it: &Operation| {
        let key = it.provider_key.as_ref()?;
        let entry = entries.iter().find(|entry| entry.provider_key == *key);
        match (entry, it.refused) {
            (None, true) => None,
            (None, false) => Some(format!(
                "says that {key} was done; the provider has no trace of it"
            )),
            (Some(entry), true) => entry
                .is_successful()
                .then(|| format!("says that {key} was refused, and the provider has done it")),
            (Some(entry), false) => (!is_same(payment, it, entry)).then(|| {
                format!(
                    "says that {key} moved {} {} as {}, and the provider has kind {}, outcome {}, \
                     {} {} as {}",
                    it.amount,
                    payment.currency_code.as_deref().unwrap_or("nothing"),
                    it.provider_reference.as_deref().unwrap_or("nothing"),
                    entry.kind,
                    entry.outcome,
                    entry.amount_minor_units,
                    entry.currency_code,
                    entry.provider_id
                )
            }),
        }
    };
    let stray = |entry: &Entry| {
        let is_its = |it: &Operation| it.provider_key.as_ref() == Some(&entry.provider_key);
        (!payment.operations.iter().any(is_its)).then(|| {
            format!(
                "has no operation for {}, which the provider has",
                entry.provider_key
            )
        })
    };
    own.into_iter()
        .find_map(differs)
        .or_else(|| entries.iter().find_map(stray))
}

fn is_same(payment: &Payment, operation: &Operation, entry: &Entry) -> bool {
    let kind = match (operation.method, operation.auto_capture) {
        (AUTHORIZE, Some(true)) => 2,
        (AUTHORIZE, _) => 1,
        (method, _) => method + 1,
    };
    let id = entry.provider_id.to_string();
    // The payment has the reference of the authorization that was done.
    let references_agree = operation.provider_reference.as_deref() == Some(id.as_str())
        && (operation.method != AUTHORIZE
            || payment.provider_reference.as_deref() == Some(id.as_str()));
    entry.is_successful()
        && entry.kind == kind
        && entry.amount_minor_units == operation.amount
        && Some(entry.currency_code.as_str()) == payment.currency_code.as_deref()
        && references_agree
}
