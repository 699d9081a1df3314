//! An operation on its way to the provider, and how long to wait before asking again.

use std::time::Duration;

use chrono::{DateTime, Utc};
use holdfast_kit::id::PaymentId;
use saga_core::Backoff;
use tokio::time::Instant;

use crate::{
    domain::{Action, Authorization, Call, InFlight, Method, OperationId},
    gateway::{Mode, Request},
};

/// The waits between attempts at one operation.
const BACKOFF: Backoff = Backoff {
    first: Duration::from_millis(40),
    cap: Duration::from_secs(5),
};

/// An operation that failed so often is worth somebody's attention.
pub(crate) const ATTEMPTS_BEFORE_ALERT: u32 = 12;

/// An operation on its way to the provider.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) id: OperationId,
    pub(crate) call: Call,
    /// Whether it is its payment's first authorization.
    pub(crate) is_first: bool,
    /// How often it was asked for in vain.
    pub(crate) attempts: u32,
    /// When it became too old for the provider to recognize its key; none: long ago.
    intended: Option<Instant>,
}

impl Task {
    /// Makes the task of an intent that was stored just now.
    pub(crate) fn of_intent(id: OperationId, ask: &Authorization) -> Self {
        let call = Call {
            key: ask.first_key(),
            payment_id: ask.payment_id,
            amount: ask.amount,
            action: Action::Authorize {
                payment_method: ask.payment_method.clone(),
                auto_capture: ask.auto_capture,
            },
        };
        Self {
            id,
            call,
            is_first: true,
            attempts: 0,
            intended: Some(Instant::now()),
        }
    }

    /// Makes the task of an operation that was found in the database, which said `now`.
    pub(crate) fn of_stored(stored: InFlight, now: DateTime<Utc>) -> Self {
        let age = (now - stored.create_time).to_std().unwrap_or_default();
        Self {
            id: stored.id,
            call: stored.call,
            is_first: stored.is_first,
            attempts: u32::try_from(stored.attempts).unwrap_or(0),
            intended: Instant::now().checked_sub(age),
        }
    }

    /// Gives the request for the provider: a key older than the provider keeps it is looked up.
    pub(crate) fn request(&self, keys_kept: Duration) -> Request {
        let recognized = self
            .intended
            .is_some_and(|intended| intended.elapsed() < keys_kept);
        let mode = if recognized { Mode::Send } else { Mode::LookUp };
        Request {
            call: self.call.clone(),
            mode,
        }
    }

    /// How long to wait after one more attempt in vain.
    pub(crate) fn wait(&self) -> Duration {
        BACKOFF.after(self.attempts.saturating_add(1), seed(self.id.payment))
    }
}

fn seed(payment: PaymentId) -> u64 {
    let (high, low) = payment.as_uuid().as_u64_pair();
    high ^ low
}

/// Gives the key of a payment's authorization.
pub(crate) fn authorization_id(ask: &Authorization) -> OperationId {
    OperationId {
        payment: ask.payment_id,
        method: Method::Authorize,
        request_id: ask.request_id.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::{TimeDelta, Utc};

    use super::{Authorization, InFlight, Mode, Task, authorization_id};
    use crate::domain::Payment;

    const DAY: Duration = Duration::from_hours(24);

    fn stored(age: TimeDelta) -> Task {
        let now = Utc::now();
        let ask = Authorization {
            payment_id: "018f0000-0000-7000-8000-000000000001".parse().unwrap(),
            request_id: String::new(),
            amount: holdfast_kit::money::Money::new("EUR".parse().unwrap(), 1).unwrap(),
            payment_method: "tok_ok".to_owned(),
            customer_id: "c1".to_owned(),
            auto_capture: true,
        };
        let payment = Payment::of_intent(&ask, now - age);
        let in_flight: InFlight = payment.in_flight().remove(0);
        assert_eq!(in_flight.id, authorization_id(&ask));
        Task::of_stored(in_flight, now)
    }

    #[test]
    fn a_key_older_than_the_provider_keeps_it_is_looked_up_and_never_sent() {
        assert_eq!(stored(TimeDelta::hours(23)).request(DAY).mode, Mode::Send);
        assert_eq!(stored(TimeDelta::hours(25)).request(DAY).mode, Mode::LookUp);
        assert_eq!(
            stored(TimeDelta::days(365 * 50)).request(DAY).mode,
            Mode::LookUp
        );
    }

    #[test]
    fn an_operation_is_asked_for_under_the_same_key_whenever_it_is() {
        let (young, old) = (stored(TimeDelta::zero()), stored(TimeDelta::days(3)));
        assert_eq!(young.request(DAY).call, old.request(DAY).call);
    }
}
