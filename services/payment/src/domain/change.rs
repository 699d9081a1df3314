//! Capture, void and refund: each reserves its amount in the payment under its own key before the
//! provider is asked, so that of two that do not fit together exactly one is sent.

use chrono::{DateTime, Utc};
use holdfast_kit::{
    money::Money,
    refusal::{Reason, Refusal},
};

use super::{Begun, Captures, Method, OPERATIONS_MAX, Operation, Payment, Progress, State};

/// A request to take money that was set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capture {
    /// The caller's key, in the scope of the payment.
    pub request_id: String,
    /// How much; none: all that is left.
    pub amount: Option<Money>,
}

/// A request to pay back money that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refund {
    /// The caller's key, in the scope of the payment.
    pub request_id: String,
    /// How much; none: all that is left.
    pub amount: Option<Money>,
}

impl Payment {
    /// Begins a capture, or answers one that came before.
    pub fn capture(&mut self, ask: &Capture, captures: Captures, now: DateTime<Utc>) -> Begun {
        if let Some(begun) = self.repeated(Method::Capture, &ask.request_id, ask.amount.as_ref()) {
            return begun;
        }
        if self.reversal.is_some() {
            let message = "the payment was reversed";
            return Begun::refused(Refusal::new(Reason::PaymentReversed, message));
        }
        if self.is_any_in_flight(&[Method::Authorize, Method::Void]) {
            return Begun::Unsettled;
        }
        let left = match captures {
            Captures::Once if self.is_captured() => 0,
            Captures::Once | Captures::Several => self.uncaptured(),
        };
        let operation = requested(
            Method::Capture,
            &ask.request_id,
            ask.amount.as_ref(),
            left,
            now,
        );
        if matches!(self.settled_state(), State::Declined | State::Voided) {
            return self.record_refusal(operation, self.state_conflict());
        }
        if left == 0 || operation.amount > left {
            let refusal = Refusal::new(
                Reason::CaptureExceedsAuthorized,
                "captured would pass what is authorized",
            )
            .with_metadata("authorized", self.amounts.authorized.to_string())
            .with_metadata("captured", self.amounts.captured.to_string())
            .with_metadata("left", left.to_string());
            return self.record_refusal(operation, refusal);
        }
        self.begin(operation)
    }

    /// Whether a capture was done or is under way.
    fn is_captured(&self) -> bool {
        let counts = |one: &Operation| one.is_in_flight() || one.is_successful();
        self.operations
            .iter()
            .any(|one| one.method == Method::Capture && counts(one))
    }

    /// Begins to set free what is not captured, or answers the void that came before.
    ///
    /// A refusal for the payment's state is not recorded: another attempt to authorize may follow
    /// it, and the payment's id is the only key that a void has.
    pub fn void(&mut self, now: DateTime<Utc>) -> Begun {
        if let Some(begun) = self.repeated(Method::Void, "", None) {
            return begun;
        }
        if self.reversal == Some(Progress::InFlight) {
            return Begun::refused(self.state_conflict());
        }
        if self.is_any_in_flight(&[Method::Authorize, Method::Capture]) {
            return Begun::Unsettled;
        }
        let left = self.uncaptured();
        if left == 0 {
            return Begun::refused(self.state_conflict());
        }
        self.begin(Operation::in_flight(Method::Void, "", left, now))
    }

    /// Begins a refund, or answers one that came before.
    pub fn refund(&mut self, ask: &Refund, now: DateTime<Utc>) -> Begun {
        if let Some(begun) = self.repeated(Method::Refund, &ask.request_id, ask.amount.as_ref()) {
            return begun;
        }
        if self.is_any_in_flight(&[Method::Authorize, Method::Capture]) {
            return Begun::Unsettled;
        }
        // A reversal under way has spoken for everything.
        let reversing = self.reversal == Some(Progress::InFlight);
        let left = if reversing { 0 } else { self.unrefunded() };
        let operation = requested(
            Method::Refund,
            &ask.request_id,
            ask.amount.as_ref(),
            left,
            now,
        );
        match self.settled_state() {
            State::Captured | State::Refunded => {}
            State::Authorized
            | State::Voided
            | State::Declined
            | State::Unknown
            | State::Tombstoned => return self.record_refusal(operation, self.state_conflict()),
        }
        if left == 0 || operation.amount > left {
            let refusal = Refusal::new(
                Reason::RefundExceedsCaptured,
                "refunded would pass what is captured",
            )
            .with_metadata("captured", self.amounts.captured.to_string())
            .with_metadata("refunded", self.amounts.refunded.to_string())
            .with_metadata("left", left.to_string());
            return self.record_refusal(operation, refusal);
        }
        self.begin(operation)
    }

    /// Answers what came before under the key, and what no payment in this state or currency can
    /// have. None: it is new.
    fn repeated(&self, method: Method, request_id: &str, amount: Option<&Money>) -> Option<Begun> {
        if self.is_tombstone() {
            let message = "the payment was reversed before it was authorized";
            return Some(Begun::refused(Refusal::new(
                Reason::PaymentTombstoned,
                message,
            )));
        }
        let Some(operation) = self.operation(method, request_id) else {
            return amount
                .and_then(|it| self.currency_refusal(it))
                .map(Begun::refused);
        };
        let other_currency = amount.is_some_and(|it| self.currency != Some(it.currency));
        let other_amount = amount.map(|it| it.minor_units) != operation.requested;
        if method != Method::Void && (other_currency || other_amount) {
            let differing = [
                ("amount.currency_code", other_currency),
                ("amount.minor_units", other_amount),
            ];
            let fields = differing
                .into_iter()
                .filter_map(|(field, differs)| differs.then_some(field));
            return Some(Begun::refused(Refusal::key_reused(fields)));
        }
        Some(self.replay(operation))
    }

    fn begin(&mut self, operation: Operation) -> Begun {
        if self.operations.len() >= OPERATIONS_MAX {
            return Begun::refused(self.too_many_operations());
        }
        let now = operation.create_time;
        self.send(operation, 0);
        self.touch(now);
        Begun::Running { replayed: false }
    }
}

/// An operation for what was asked for, or else for all that is left.
fn requested(
    method: Method,
    request_id: &str,
    amount: Option<&Money>,
    left: i64,
    now: DateTime<Utc>,
) -> Operation {
    let requested = amount.map(|it| it.minor_units);
    let mut operation = Operation::in_flight(method, request_id, requested.unwrap_or(left), now);
    operation.requested = requested;
    operation
}
