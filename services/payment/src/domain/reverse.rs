//! Reversing: whatever has become of a payment, nothing of it stays. A reversal waits for every
//! operation in flight to get its definite answer, then voids and refunds what there is under keys
//! of its own, once; meanwhile nothing new may start.

use chrono::{DateTime, Utc};
use holdfast_kit::refusal::Refusal;

use super::{Begun, Method, Moved, Operation, Outcome, Payment, Progress, State};

/// The request_id of the void and the refund that a reversal makes; no caller can send it.
pub const REVERSAL: &str = "@reverse";

impl Payment {
    /// Begins the reversal, or answers the one that came before.
    pub fn reverse(&mut self, now: DateTime<Utc>) -> Begun {
        if self.is_tombstone() {
            let outcome = Outcome::Done(Moved::nothing(State::Tombstoned));
            return Begun::Settled {
                replayed: true,
                outcome,
            };
        }
        if let Some(operation) = self.operation(Method::Reverse, "") {
            return self.replay(operation);
        }
        self.operations
            .push(Operation::in_flight(Method::Reverse, "", 0, now));
        self.reversal = Some(Progress::InFlight);
        self.advance_reversal(now);
        self.touch(now);
        match self.outcome(Method::Reverse, "") {
            None => Begun::Running { replayed: false },
            Some(outcome) => Begun::Settled {
                replayed: false,
                outcome,
            },
        }
    }

    /// Takes the reversal as far as the answers at hand allow.
    pub(super) fn advance_reversal(&mut self, now: DateTime<Utc>) {
        const OTHERS: [Method; 4] = [
            Method::Authorize,
            Method::Capture,
            Method::Void,
            Method::Refund,
        ];
        if self.reversal != Some(Progress::InFlight) || self.is_any_in_flight(&OTHERS) {
            return;
        }
        let mut refusal: Option<Refusal> = None;
        for (method, left) in [
            (Method::Void, self.uncaptured()),
            (Method::Refund, self.unrefunded()),
        ] {
            match self.operation(method, REVERSAL) {
                Some(made) => refusal = refusal.or_else(|| made.refusal.clone()),
                None if left > 0 => {
                    self.send(Operation::in_flight(method, REVERSAL, left, now), 0);
                }
                None => {}
            }
        }
        if self.is_any_in_flight(&OTHERS) {
            return;
        }
        let moved: i64 = self
            .operations
            .iter()
            .filter(|one| one.request_id == REVERSAL && one.is_successful())
            .map(|one| one.amount)
            .sum();
        self.reversal = Some(Progress::Done);
        if let Some(reversal) = self
            .operations
            .iter_mut()
            .find(|one| one.method == Method::Reverse)
        {
            reversal.progress = Progress::Done;
            reversal.amount = moved;
            reversal.refusal = refusal;
            reversal.update_time = now;
        }
    }
}
