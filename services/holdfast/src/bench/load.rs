//! The closed loop: so many orders in flight, each followed by the next when it is decided.
//!
//! The rule: each thread has its own connections, its own runtime and its own records, so that the
//! measuring costs as little as it can and disturbs what it measures as little as it can.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU8, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use holdfast::client;
use tokio::task::JoinSet;

use super::{
    latency::{Outcome, Recorder},
    stream, unary,
    wire::Wire,
    workload::Workload,
};

/// Threads at the most; more would take from what is measured.
const THREADS_MAX: usize = 2;
/// How long an order's answer is sought.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);

/// How orders are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// A call each.
    Unary,
    /// One stream a connection.
    Stream,
}

const WARMING: u8 = 0;
const MEASURING: u8 = 1;
const DRAINING: u8 = 2;

/// The load of a run, shared by its threads.
#[derive(Debug)]
pub(super) struct Load {
    workload: Workload,
    address: String,
    mode: Mode,
    /// Orders in flight on each connection.
    shares: Vec<usize>,
    phase: AtomicU8,
    next: AtomicU64,
}

/// Divides the orders in flight among the connections.
pub(super) fn shares(in_flight: usize, connections: usize) -> Vec<usize> {
    let (each, rest) = (in_flight / connections, in_flight % connections);
    (0..connections)
        .map(|index| each + usize::from(index < rest))
        .collect()
}

impl Load {
    /// Prepares a load; nothing is sent yet.
    pub(super) fn new(workload: Workload, address: String, mode: Mode, shares: Vec<usize>) -> Self {
        Self {
            workload,
            address,
            mode,
            shares,
            phase: AtomicU8::new(WARMING),
            next: AtomicU64::new(0),
        }
    }

    /// Its orders.
    pub(super) fn workload(&self) -> &Workload {
        &self.workload
    }

    /// How they are sent.
    pub(super) fn mode(&self) -> Mode {
        self.mode
    }

    /// Orders in flight on each connection.
    pub(super) fn shares(&self) -> &[usize] {
        &self.shares
    }

    /// From now on orders are measured as they end.
    pub(super) fn measure(&self) {
        self.phase.store(MEASURING, Ordering::Release);
    }

    /// From now on none is measured, and none begins.
    pub(super) fn drain(&self) {
        self.phase.store(DRAINING, Ordering::Release);
    }

    /// The next order to place; none when the load is to end.
    pub(super) fn next(&self) -> Option<u64> {
        (self.phase.load(Ordering::Relaxed) != DRAINING)
            .then(|| self.next.fetch_add(1, Ordering::Relaxed))
    }

    /// Starts the threads. Each ends with its records when the load is drained.
    pub(super) fn start(self: &Arc<Self>) -> JoinSet<anyhow::Result<Recorder>> {
        let mut threads = JoinSet::new();
        let count = self.shares.len().min(THREADS_MAX);
        for first in 0..count {
            let load = Arc::clone(self);
            threads.spawn_blocking(move || {
                let shares = load
                    .shares
                    .iter()
                    .copied()
                    .skip(first)
                    .step_by(count)
                    .collect();
                load.run_thread(shares)
            });
        }
        threads
    }

    fn run_thread(self: &Arc<Self>, shares: Vec<usize>) -> anyhow::Result<Recorder> {
        let records = Records::default();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        tracing::debug!(thread = ?thread::current().id(), ?shares, "load thread");
        runtime.block_on(self.run_connections(shares, &records))?;
        Ok(records.take())
    }

    async fn run_connections(
        self: &Arc<Self>,
        shares: Vec<usize>,
        records: &Records,
    ) -> anyhow::Result<()> {
        let mut tasks = JoinSet::new();
        for share in shares {
            match self.mode {
                Mode::Unary => {
                    let wire = Wire::connect(&self.address).await?;
                    unary::start(self, records, wire, share, &mut tasks).await;
                }
                Mode::Stream => {
                    let channel = client::connect("order", &self.address).await?;
                    let (load, records) = (Arc::clone(self), records.clone());
                    tasks.spawn(async move { stream::run(&load, &records, channel, share).await });
                }
            }
        }
        while let Some(ended) = tasks.join_next().await {
            ended??;
        }
        Ok(())
    }
}

/// The records of one thread, shared by its tasks.
#[derive(Clone, Debug)]
pub(super) struct Records(Arc<Mutex<Recorder>>);

impl Default for Records {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Recorder::new())))
    }
}

impl Records {
    /// Records an order that has ended, if the load is being measured.
    pub(super) fn ended(&self, load: &Load, begun: Instant, outcome: Outcome, retries: u32) {
        if load.phase.load(Ordering::Relaxed) == MEASURING {
            let mut recorder = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            recorder.record(begun.elapsed(), outcome, retries);
        }
    }

    fn take(self) -> Recorder {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::{Load, Mode, Outcome, Records, Workload, shares};

    #[test]
    fn orders_in_flight_are_divided_without_remainder() {
        assert_eq!(shares(256, 2), [128, 128]);
        assert_eq!(shares(7, 3), [3, 2, 2]);
        assert_eq!(shares(1, 1), [1]);
    }

    #[test]
    fn only_what_ends_while_measuring_is_recorded_and_nothing_begins_while_draining() {
        let workload = Workload::new(1, 1, false);
        let load = Load::new(workload, String::new(), Mode::Unary, shares(1, 1));
        let records = Records::default();
        let end = || records.ended(&load, Instant::now(), Outcome::Confirmed, 0);
        assert_eq!(load.next(), Some(0));
        end();
        load.measure();
        assert_eq!(load.next(), Some(1));
        end();
        load.drain();
        assert_eq!(load.next(), None);
        end();
        assert_eq!(records.take().orders(), 1);
    }
}
