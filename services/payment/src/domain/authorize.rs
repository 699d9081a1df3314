//! Authorizing: the first time, again after a definite decline, and the same call repeated. A
//! reversal bars whatever comes after it, except that a recorded decline stays a decline.

use chrono::{DateTime, Utc};
use holdfast_kit::{
    id::PaymentId,
    money::Money,
    refusal::{Reason, Refusal},
};

use super::{
    Begun, Method, OPERATIONS_MAX, Operation, Outcome, Payment, ProviderKey, State, Terms,
};

/// A request to set money aside or take it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorization {
    /// The payment's id, made by the caller.
    pub payment_id: PaymentId,
    /// A key for another attempt; empty: the payment's id is the key.
    pub request_id: String,
    /// How much, 1 minor unit or more.
    pub amount: Money,
    /// The provider's token for how it is paid.
    pub payment_method: String,
    /// Whose money it is.
    pub customer_id: String,
    /// Takes the money at once.
    pub auto_capture: bool,
}

impl Authorization {
    /// Gives the provider's key that it has as a payment's first operation.
    pub fn first_key(&self) -> ProviderKey {
        ProviderKey::derive(self.payment_id, Method::Authorize, &self.request_id, 0)
    }

    /// Names the fields in which it differs from what the key first came with.
    fn differences(&self, payment: &Payment, first: &Operation) -> Vec<&'static str> {
        let terms = first.terms.as_ref();
        let differs = [
            (
                "amount.currency_code",
                payment.currency != Some(self.amount.currency),
            ),
            (
                "amount.minor_units",
                first.amount != self.amount.minor_units,
            ),
            (
                "payment_method",
                terms.is_none_or(|it| it.payment_method != self.payment_method),
            ),
            ("customer_id", payment.customer_id != self.customer_id),
            (
                "auto_capture",
                terms.is_none_or(|it| it.auto_capture != self.auto_capture),
            ),
        ];
        differs
            .into_iter()
            .filter_map(|(field, differs)| differs.then_some(field))
            .collect()
    }
}

impl Payment {
    /// Gives the payment that a first authorization makes.
    pub fn of_intent(ask: &Authorization, now: DateTime<Utc>) -> Self {
        let mut first = Operation::in_flight(
            Method::Authorize,
            &ask.request_id,
            ask.amount.minor_units,
            now,
        );
        first.terms = Some(Terms {
            payment_method: ask.payment_method.clone(),
            auto_capture: ask.auto_capture,
        });
        first.provider_key = Some(ask.first_key());
        Self {
            id: ask.payment_id,
            state: State::Unknown,
            currency: Some(ask.amount.currency),
            customer_id: ask.customer_id.clone(),
            amounts: super::Amounts::default(),
            provider_reference: None,
            reversal: None,
            version: 1,
            create_time: now,
            update_time: now,
            operations: vec![first],
        }
    }

    /// Answers an authorization that came before, or that can no longer happen. None: it is another
    /// attempt, or the operations at hand do not hold it.
    pub fn authorize_replay(&self, ask: &Authorization) -> Option<Begun> {
        if self.is_tombstone() {
            return Some(Begun::barred(Reason::PaymentTombstoned));
        }
        let operation = self.operation(Method::Authorize, &ask.request_id)?;
        let differences = ask.differences(self, operation);
        if !differences.is_empty() {
            return Some(Begun::refused(Refusal::key_reused(differences)));
        }
        if operation.is_in_flight() && self.reversal.is_some() {
            return Some(Begun::barred(Reason::PaymentReversed));
        }
        Some(self.replay(operation))
    }

    /// Begins another attempt, or answers one that came before.
    pub fn authorize(&mut self, ask: &Authorization, now: DateTime<Utc>) -> Begun {
        if let Some(begun) = self.authorize_replay(ask) {
            return begun;
        }
        if self.customer_id != ask.customer_id {
            return Begun::refused(Refusal::key_reused(["customer_id"]));
        }
        if let Some(refusal) = self.currency_refusal(&ask.amount) {
            return Begun::refused(refusal);
        }
        if self.reversal.is_some() {
            return Begun::barred(Reason::PaymentReversed);
        }
        if self.operations.iter().any(Operation::is_in_flight) {
            return Begun::Unsettled;
        }
        let amount = ask.amount.minor_units;
        let mut operation = Operation::in_flight(Method::Authorize, &ask.request_id, amount, now);
        operation.terms = Some(Terms {
            payment_method: ask.payment_method.clone(),
            auto_capture: ask.auto_capture,
        });
        if self.settled_state() != State::Declined {
            return self.record_refusal(operation, self.state_conflict());
        }
        if self.operations.len() >= OPERATIONS_MAX {
            return Begun::refused(self.too_many_operations());
        }
        self.send(operation, self.declines());
        self.touch(now);
        Begun::Running { replayed: false }
    }

    /// How many authorizations the provider has declined for good.
    fn declines(&self) -> usize {
        let declined = |one: &&Operation| {
            one.method == Method::Authorize && one.refusal.is_some() && one.provider_key.is_some()
        };
        self.operations.iter().filter(declined).count()
    }

    /// Writes down a refusal that was decided before the provider was asked.
    pub(super) fn record_refusal(&mut self, operation: Operation, refusal: Refusal) -> Begun {
        if self.operations.len() >= OPERATIONS_MAX {
            return Begun::refused(self.too_many_operations());
        }
        let now = operation.create_time;
        self.operations.push(Operation {
            progress: super::Progress::Done,
            refusal: Some(refusal.clone()),
            ..operation
        });
        self.touch(now);
        Begun::Settled {
            replayed: false,
            outcome: Outcome::Refused(refusal),
        }
    }

    pub(super) fn currency_refusal(&self, amount: &Money) -> Option<Refusal> {
        (self.currency != Some(amount.currency)).then(|| {
            Refusal::new(
                Reason::CurrencyMismatch,
                "the payment has another currency than the amount",
            )
        })
    }

    pub(super) fn state_conflict(&self) -> Refusal {
        Refusal::new(
            Reason::PaymentStateConflict,
            "the payment is in a state that does not allow this",
        )
        .with_metadata("state", self.settled_state().name())
    }

    pub(super) fn too_many_operations(&self) -> Refusal {
        self.state_conflict()
            .with_metadata("operations_max", OPERATIONS_MAX.to_string())
    }
}
