//! The payment with everything that was done with it. P1 is kept here: each amount is the sum of
//! the operations that were done, and what is in flight is reserved beside it.

use chrono::{DateTime, Utc};
use holdfast_kit::{
    id::PaymentId,
    money::{Currency, Money},
};

use super::{Action, Call, Method, Operation, OperationId, Progress, ProviderKey, State};

/// How many operations one payment may have; recorded refusals count.
pub const OPERATIONS_MAX: usize = 512;

/// What the provider has set aside, taken, paid back and set free, in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amounts {
    /// Set aside or taken.
    pub authorized: i64,
    /// Taken.
    pub captured: i64,
    /// Paid back.
    pub refunded: i64,
    /// Set free without being taken.
    pub voided: i64,
}

/// Money set aside, taken and paid back for one order.
#[derive(Clone, Debug, PartialEq)]
pub struct Payment {
    /// Its id.
    pub id: PaymentId,
    /// Where it stands.
    pub state: State,
    /// Its one currency; none for a tombstone.
    pub currency: Option<Currency>,
    /// Whose money it is; empty for a tombstone.
    pub customer_id: String,
    /// What is certain.
    pub amounts: Amounts,
    /// The provider's own id of the authorization that was done.
    pub provider_reference: Option<String>,
    /// How far its reversal is; none if nobody asked for one.
    pub reversal: Option<Progress>,
    /// Goes up by one with each change.
    pub version: i64,
    /// When it was first asked for.
    pub create_time: DateTime<Utc>,
    /// When it last changed.
    pub update_time: DateTime<Utc>,
    /// What was done with it, the first authorization first; empty for a tombstone.
    pub operations: Vec<Operation>,
}

/// An operation that waits for the provider's answer.
#[derive(Clone, Debug, PartialEq)]
pub struct InFlight {
    /// Which.
    pub id: OperationId,
    /// What the provider is asked.
    pub call: Call,
    /// How often it was asked and that was recorded.
    pub attempts: i32,
    /// When it was stored.
    pub create_time: DateTime<Utc>,
    /// Whether it is the payment's first authorization.
    pub is_first: bool,
}

impl Payment {
    /// Says whether it was reversed before any intent was stored.
    pub fn is_tombstone(&self) -> bool {
        self.operations.is_empty()
    }

    /// Finds an operation by its key.
    pub fn operation(&self, method: Method, request_id: &str) -> Option<&Operation> {
        self.operations
            .iter()
            .find(|one| one.method == method && one.request_id == request_id)
    }

    pub(super) fn is_any_in_flight(&self, methods: &[Method]) -> bool {
        self.operations
            .iter()
            .any(|one| one.is_in_flight() && methods.contains(&one.method))
    }

    pub(super) fn in_flight_amount(&self, method: Method) -> i64 {
        let reserved = |one: &&Operation| one.is_in_flight() && one.method == method;
        self.operations
            .iter()
            .filter(reserved)
            .map(|one| one.amount)
            .sum()
    }

    /// Gives what can still be captured or voided, in minor units.
    pub fn uncaptured(&self) -> i64 {
        self.amounts.authorized
            - self.amounts.captured
            - self.amounts.voided
            - self.in_flight_amount(Method::Capture)
            - self.in_flight_amount(Method::Void)
    }

    /// Gives what can still be refunded, in minor units.
    pub fn unrefunded(&self) -> i64 {
        self.amounts.captured - self.amounts.refunded - self.in_flight_amount(Method::Refund)
    }

    /// Gives the state that the certain amounts speak of, whatever is in flight.
    pub fn settled_state(&self) -> State {
        let Amounts {
            authorized,
            captured,
            refunded,
            voided,
        } = self.amounts;
        if self.is_tombstone() {
            State::Tombstoned
        } else if refunded > 0 {
            State::Refunded
        } else if captured > 0 {
            State::Captured
        } else if voided > 0 {
            State::Voided
        } else if authorized > 0 {
            State::Authorized
        } else {
            State::Declined
        }
    }

    /// Stores an operation whose answer the provider will give.
    pub(super) fn send(&mut self, mut operation: Operation, declines: usize) {
        let key = ProviderKey::derive(self.id, operation.method, &operation.request_id, declines);
        operation.provider_key = Some(key);
        operation.next_time = Some(operation.create_time);
        self.operations.push(operation);
    }

    /// Writes down that something changed.
    pub(super) fn touch(&mut self, now: DateTime<Utc>) {
        let waiting = self.operations.iter().any(Operation::is_in_flight);
        self.state = if waiting {
            State::Unknown
        } else {
            self.settled_state()
        };
        self.version += 1;
        self.update_time = now;
    }

    /// Gives what the provider has to be asked, for each operation that waits for its answer.
    pub fn in_flight(&self) -> Vec<InFlight> {
        let waiting = |(index, operation): (usize, &Operation)| {
            if !operation.is_in_flight() {
                return None;
            }
            let currency = self.currency?;
            let call = Call {
                key: operation.provider_key.clone()?,
                payment_id: self.id,
                amount: Money {
                    currency,
                    minor_units: operation.amount,
                },
                action: self.action(operation)?,
            };
            let id = OperationId {
                payment: self.id,
                method: operation.method,
                request_id: operation.request_id.clone(),
            };
            Some(InFlight {
                id,
                call,
                attempts: operation.attempts,
                create_time: operation.create_time,
                is_first: index == 0,
            })
        };
        self.operations
            .iter()
            .enumerate()
            .filter_map(waiting)
            .collect()
    }

    fn action(&self, operation: &Operation) -> Option<Action> {
        let reference = || self.provider_reference.clone().unwrap_or_default();
        match operation.method {
            Method::Authorize => operation.terms.as_ref().map(|terms| Action::Authorize {
                payment_method: terms.payment_method.clone(),
                auto_capture: terms.auto_capture,
            }),
            Method::Capture => Some(Action::Capture {
                reference: reference(),
            }),
            Method::Void => Some(Action::Void {
                reference: reference(),
            }),
            Method::Refund => Some(Action::Refund {
                reference: reference(),
            }),
            Method::Reverse => None,
        }
    }
}
