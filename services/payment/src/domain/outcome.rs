//! What callers are told of an operation. Only definite answers are outcomes; what is not known has
//! no value here, so that nothing can take it for a refusal.

use holdfast_kit::refusal::{Reason, Refusal};

use super::{Method, Operation, Payment, Progress, REVERSAL, State};

/// A definite answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is done.
    Done(Moved),
    /// It was refused.
    Refused(Refusal),
    /// The payment was reversed, or the key is too old to rule that out.
    Barred(Reason),
}

/// What an operation moved, in minor units, and where the payment stands now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Where the payment stands.
    pub state: State,
    /// Taken, by a capture or a charge.
    pub captured: i64,
    /// Set free.
    pub voided: i64,
    /// Paid back.
    pub refunded: i64,
}

impl Moved {
    /// Makes the answer of something that moved no money.
    pub const fn nothing(state: State) -> Self {
        Self {
            state,
            captured: 0,
            voided: 0,
            refunded: 0,
        }
    }
}

/// What came of asking for an operation.
#[derive(Clone, Debug, PartialEq)]
pub enum Begun {
    /// It is stored, now or earlier, and has no answer yet.
    Running {
        /// Whether the key had come before.
        replayed: bool,
    },
    /// It has its answer.
    Settled {
        /// Whether the key had come before.
        replayed: bool,
        /// The answer.
        outcome: Outcome,
    },
    /// Other operations of the payment must have their answers first; nothing was recorded.
    Unsettled,
}

impl Begun {
    pub(super) fn refused(refusal: Refusal) -> Self {
        Self::Settled {
            replayed: false,
            outcome: Outcome::Refused(refusal),
        }
    }

    pub(super) const fn barred(reason: Reason) -> Self {
        Self::Settled {
            replayed: false,
            outcome: Outcome::Barred(reason),
        }
    }
}

impl Payment {
    /// Gives an operation's answer; none while it has none.
    pub fn outcome(&self, method: Method, request_id: &str) -> Option<Outcome> {
        if self.is_tombstone() {
            return Some(match method {
                Method::Reverse => Outcome::Done(Moved::nothing(State::Tombstoned)),
                _ => Outcome::Barred(Reason::PaymentTombstoned),
            });
        }
        let operation = self.operation(method, request_id)?;
        if operation.is_in_flight() {
            return None;
        }
        if let Some(refusal) = &operation.refusal {
            return Some(Outcome::Refused(refusal.clone()));
        }
        if method == Method::Authorize && self.reversal.is_some() {
            return Some(Outcome::Barred(Reason::PaymentReversed));
        }
        Some(Outcome::Done(self.moved_by(operation)))
    }

    fn moved_by(&self, operation: &Operation) -> Moved {
        let mut moved = Moved::nothing(self.state);
        match operation.method {
            Method::Authorize => {
                let charged = operation
                    .terms
                    .as_ref()
                    .is_some_and(|terms| terms.auto_capture);
                moved.captured = if charged { operation.amount } else { 0 };
            }
            Method::Capture => moved.captured = operation.amount,
            Method::Void => moved.voided = operation.amount,
            Method::Refund => moved.refunded = operation.amount,
            Method::Reverse => {
                moved.voided = self.reversed_by(Method::Void);
                moved.refunded = self.reversed_by(Method::Refund);
            }
        }
        moved
    }

    fn reversed_by(&self, method: Method) -> i64 {
        self.operation(method, REVERSAL)
            .filter(|operation| operation.is_successful())
            .map_or(0, |operation| operation.amount)
    }

    /// Gives what is known of an operation that came before.
    pub(super) fn replay(&self, operation: &Operation) -> Begun {
        match operation.progress {
            Progress::InFlight => Begun::Running { replayed: true },
            Progress::Done => self
                .outcome(operation.method, &operation.request_id)
                .map_or(Begun::Running { replayed: true }, |outcome| {
                    Begun::Settled {
                        replayed: true,
                        outcome,
                    }
                }),
        }
    }
}
