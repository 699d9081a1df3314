//! Which operations this process is driving, and who waits for them. Claiming is what keeps two
//! tasks of one process from asking the provider for the same operation at the same time.

use std::{
    collections::{HashMap, hash_map::Entry as Slot},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use holdfast_kit::refusal::{Reason, Unknown};
use metrics::Gauge;
use tokio::time::Instant;

use super::gathering::Waiter;
use crate::domain::{OperationId, Outcome};

/// Operations that one process drives at most; what is beyond it stays in the database until
/// somebody asks again or the recovery takes it up.
pub(crate) const RUNNING_MAX: usize = 131_072;

/// The bounds of how long a caller is told to wait before it asks again.
const RETRY_DELAY: (Duration, Duration) = (Duration::from_millis(25), Duration::from_secs(1));

/// What came of claiming an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// Whoever claimed it drives it.
    Mine,
    /// Somebody drives it; the waiter is told.
    Joined,
    /// Too much is running; nobody is told anything.
    Full,
}

#[derive(Debug)]
struct Running {
    waiters: Vec<Waiter>,
    since: Instant,
    /// When the provider is asked again, once it was asked in vain.
    next: Option<Instant>,
}

/// The operations that this process drives.
#[derive(Debug)]
pub(crate) struct Registry {
    running: Mutex<HashMap<OperationId, Running>>,
    gauge: Gauge,
}

impl Registry {
    pub(crate) fn new() -> Self {
        let gauge = metrics::gauge!("holdfast_payment_operations_in_flight");
        Self {
            running: Mutex::new(HashMap::new()),
            gauge,
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<OperationId, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Claims operations, each with who waits for it.
    pub(crate) fn claim(
        &self,
        wanted: impl IntoIterator<Item = (OperationId, Option<Waiter>)>,
    ) -> Vec<Claim> {
        let mut running = self.lock();
        let claims = wanted
            .into_iter()
            .map(|(id, waiter)| {
                let is_full = running.len() >= RUNNING_MAX;
                match running.entry(id) {
                    Slot::Occupied(mut occupied) => {
                        occupied.get_mut().waiters.extend(waiter);
                        Claim::Joined
                    }
                    Slot::Vacant(_) if is_full => Claim::Full,
                    Slot::Vacant(vacant) => {
                        let waiters = waiter.into_iter().collect();
                        vacant.insert(Running {
                            waiters,
                            since: Instant::now(),
                            next: None,
                        });
                        Claim::Mine
                    }
                }
            })
            .collect();
        self.measure(&running);
        claims
    }

    /// Joins operations that are being driven; says for each whether it is. Who finds that it is
    /// not looks again: its answer is there, or nobody is asking.
    pub(crate) fn watch(
        &self,
        wanted: impl IntoIterator<Item = (OperationId, Waiter)>,
    ) -> Vec<bool> {
        let mut running = self.lock();
        let mut join = |(id, waiter): (OperationId, Waiter)| match running.get_mut(&id) {
            Some(run) => {
                run.waiters.push(waiter);
                true
            }
            None => false,
        };
        wanted.into_iter().map(&mut join).collect()
    }

    /// Lets operations go and tells who waited for them.
    pub(crate) fn resolve(&self, resolved: impl IntoIterator<Item = (OperationId, Outcome)>) {
        let mut told = Vec::new();
        let mut running = self.lock();
        for (id, outcome) in resolved {
            if let Some(run) = running.remove(&id) {
                told.push((run.waiters, outcome));
            }
        }
        self.measure(&running);
        drop(running);
        for (waiters, outcome) in told {
            for waiter in waiters {
                waiter.tell(Ok(outcome.clone()));
            }
        }
    }

    /// Notes that the provider was asked in vain and when it is asked again.
    pub(crate) fn defer<'a>(&self, deferred: impl IntoIterator<Item = (&'a OperationId, Instant)>) {
        let mut running = self.lock();
        for (id, next) in deferred {
            if let Some(run) = running.get_mut(id) {
                run.next = Some(next);
            }
        }
    }

    /// Says why an operation has no answer yet and when to ask again: later the longer it runs.
    pub(crate) fn unknown(&self, id: &OperationId) -> Unknown {
        let running = self.lock();
        let Some(run) = running.get(id) else {
            return in_flight(RETRY_DELAY.0);
        };
        match run.next {
            None => in_flight(run.since.elapsed() / 2),
            Some(next) => Unknown::new(
                Reason::ProviderOutcomeUnknown,
                "the provider was asked and has not been heard",
            )
            .with_retry_delay(clamp(next.saturating_duration_since(Instant::now()))),
        }
    }

    fn measure(&self, running: &HashMap<OperationId, Running>) {
        #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
        self.gauge.set(running.len() as f64);
    }
}

fn clamp(delay: Duration) -> Duration {
    delay.clamp(RETRY_DELAY.0, RETRY_DELAY.1)
}

fn in_flight(delay: Duration) -> Unknown {
    Unknown::new(Reason::InFlight, "it is still running; ask again").with_retry_delay(clamp(delay))
}
