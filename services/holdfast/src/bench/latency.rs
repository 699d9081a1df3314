//! How long orders took, and what came of them.
//!
//! The rule: every measured order is recorded once, from when it was first sent to when its answer
//! was known, pauses between tries included.

use std::{collections::BTreeMap, time::Duration};

use hdrhistogram::Histogram;
use holdfast_kit::refusal::{CallError, Reason, name_of};
use holdfast_proto::order::OrderState;
use serde::Serialize;

/// The longest time that is told apart, in microseconds; a longer one counts as this.
const MICROS_MAX: u64 = 600_000_000;
/// Decimal digits that are kept.
const DIGITS: u8 = 3;

/// What came of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Outcome {
    /// Decided for.
    Confirmed,
    /// Decided against, or not placed, for this reason.
    Refused(&'static str),
    /// Nobody knows.
    Unknown(&'static str),
}

impl Outcome {
    /// What an answered order came to.
    pub(super) fn of(state: OrderState, rejection: Reason) -> Self {
        match state {
            OrderState::Confirmed => Self::Confirmed,
            OrderState::Rejected => Self::Refused(name_of(rejection)),
            OrderState::Cancelled => Self::Refused("CANCELLED"),
            OrderState::Pending | OrderState::Cancelling | OrderState::Unspecified => {
                Self::Unknown("PENDING")
            }
        }
    }
}

impl From<&CallError> for Outcome {
    fn from(error: &CallError) -> Self {
        match error {
            CallError::Refused(refusal) => Self::Refused(name_of(refusal.reason)),
            CallError::Unknown(unknown) => Self::Unknown(name_of(unknown.reason)),
        }
    }
}

/// The measured orders of one thread.
#[derive(Clone, Debug)]
pub(super) struct Recorder {
    micros: Histogram<u64>,
    not_confirmed: BTreeMap<Outcome, u64>,
    retries: u64,
}

impl Recorder {
    /// Starts with nothing.
    pub(super) fn new() -> Self {
        let micros = Histogram::new_with_bounds(1, MICROS_MAX, DIGITS);
        Self {
            micros: micros.expect("the bounds are constants that it takes"),
            not_confirmed: BTreeMap::new(),
            retries: 0,
        }
    }

    /// Records an order.
    pub(super) fn record(&mut self, took: Duration, outcome: Outcome, retries: u32) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(MICROS_MAX);
        self.micros.saturating_record(micros);
        self.retries += u64::from(retries);
        if outcome != Outcome::Confirmed {
            *self.not_confirmed.entry(outcome).or_default() += 1;
        }
    }

    /// Takes up what another one recorded.
    pub(super) fn merge(&mut self, other: &Self) {
        self.micros
            .add(&other.micros)
            .expect("both have the same bounds");
        self.retries += other.retries;
        for (outcome, count) in &other.not_confirmed {
            *self.not_confirmed.entry(*outcome).or_default() += count;
        }
    }

    /// Orders that were recorded.
    pub(super) fn orders(&self) -> u64 {
        self.micros.len()
    }

    /// Calls that were made again.
    pub(super) fn retries(&self) -> u64 {
        self.retries
    }

    /// What the orders that are not CONFIRMED came to.
    pub(super) fn not_confirmed(&self) -> BTreeMap<String, u64> {
        let name = |outcome: &Outcome| match outcome {
            Outcome::Confirmed => "CONFIRMED".to_owned(),
            Outcome::Refused(reason) => (*reason).to_owned(),
            Outcome::Unknown(reason) => format!("unknown, {reason}"),
        };
        self.not_confirmed
            .iter()
            .map(|(outcome, count)| (name(outcome), *count))
            .collect()
    }

    /// The percentiles.
    pub(super) fn latency(&self) -> Latency {
        let at = |quantile| millis(self.micros.value_at_quantile(quantile));
        Latency {
            p50: at(0.50),
            p95: at(0.95),
            p99: at(0.99),
            max: millis(self.micros.max()),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "microseconds below 2^53")]
fn millis(micros: u64) -> f64 {
    micros as f64 / 1_000.0
}

/// Percentiles of the orders' times, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Latency {
    pub(super) p50: f64,
    pub(super) p95: f64,
    pub(super) p99: f64,
    pub(super) max: f64,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Outcome, Recorder};

    fn recorded(micros: impl Iterator<Item = u64>) -> Recorder {
        let mut recorder = Recorder::new();
        for micros in micros {
            recorder.record(Duration::from_micros(micros), Outcome::Confirmed, 0);
        }
        recorder
    }

    fn near(value: f64, expected: f64) -> bool {
        (value - expected).abs() <= expected / 1_000.0
    }

    #[test]
    fn percentiles_are_those_of_all_threads_within_a_thousandth() {
        let mut all = recorded((1..=10_000).filter(|n| n % 2 == 0));
        all.merge(&recorded((1..=10_000).filter(|n| n % 2 == 1)));
        let latency = all.latency();
        assert_eq!(all.orders(), 10_000);
        assert!(near(latency.p50, 5.0), "{latency:?}");
        assert!(near(latency.p95, 9.5), "{latency:?}");
        assert!(near(latency.p99, 9.9), "{latency:?}");
        assert!(near(latency.max, 10.0), "{latency:?}");
    }

    #[test]
    fn times_past_the_longest_count_as_the_longest_and_none_is_lost() {
        let recorder = recorded([0, u64::MAX].into_iter());
        assert_eq!(recorder.orders(), 2);
        assert!(
            near(recorder.latency().max, 600_000.0),
            "{:?}",
            recorder.latency()
        );
    }

    #[test]
    fn what_is_not_confirmed_is_told_apart() {
        let mut one = Recorder::new();
        one.record(Duration::ZERO, Outcome::Refused("OUT_OF_STOCK"), 0);
        one.record(Duration::ZERO, Outcome::Confirmed, 2);
        let mut other = Recorder::new();
        other.record(Duration::ZERO, Outcome::Refused("OUT_OF_STOCK"), 1);
        other.record(Duration::ZERO, Outcome::Unknown("INTERNAL"), 0);
        one.merge(&other);
        let told: Vec<_> = one.not_confirmed().into_iter().collect();
        assert_eq!(
            told,
            [
                ("OUT_OF_STOCK".to_owned(), 2),
                ("unknown, INTERNAL".to_owned(), 1)
            ]
        );
        assert_eq!((one.orders(), one.retries()), (4, 3));
    }
}
