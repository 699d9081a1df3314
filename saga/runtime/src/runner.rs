//! The runner: a handle that anybody may clone and a task that owns every saga it carries. Sagas
//! are told to it when their start is in the log; it tells an observer how each one ended.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use saga_core::{Backoff, Event};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};
use uuid::Uuid;

use crate::{Claimed, Definition, Lease, Log, RunnerId, Saga, SagaId, Sign, TakenOver};

mod lane;
mod marks;
mod measures;
mod task;
mod troubles;

pub use marks::InDoubt;
use marks::Marks;

/// The limits of a runner.
#[derive(Clone, Copy, Debug)]
pub struct RunnerSettings {
    /// Sagas that it carries at once; more are left to others or to later.
    pub window_max: usize,
    /// Sagas in one batch.
    pub batch_items_max: usize,
    /// Lines in one batch, all its sagas together.
    pub batch_lines_max: usize,
    /// Batches of one step in flight at once.
    pub flights_max: usize,
    /// A batch that is in flight longer no longer keeps the next one waiting.
    pub flight_patience: Duration,
    /// Between attempts at a step or at reading the log.
    pub backoff: Backoff,
    /// Between attempts at an undo; they never end.
    pub undo_backoff: Backoff,
}

impl Default for RunnerSettings {
    fn default() -> Self {
        Self {
            window_max: 8_192,
            batch_items_max: 512,
            batch_lines_max: 4_096,
            flights_max: 4,
            flight_patience: Duration::from_millis(5),
            backoff: Backoff {
                first: Duration::from_millis(20),
                cap: Duration::from_secs(1),
            },
            undo_backoff: Backoff {
                first: Duration::from_millis(20),
                cap: Duration::from_secs(5),
            },
        }
    }
}

/// A saga that this runner ended.
#[derive(Debug)]
pub struct Settled<S: Saga, R> {
    /// What it carried to the end.
    pub saga: Box<S>,
    /// Why it ended refused; `None`: it ended well.
    pub refusal: Option<S::Refusal>,
    /// What the log's finish told.
    pub receipt: R,
}

/// Who is told how sagas end. Called from the runner's task: it must not wait.
pub trait Observer<S: Saga, R>: Send + Sync + 'static {
    /// These sagas have ended here.
    fn settled(&self, settled: Vec<Settled<S, R>>);
    /// These sagas are no longer this runner's, or wait for an operator: whoever waits for one
    /// follows its row.
    fn left(&self, ids: Vec<SagaId>);
}

/// A saga whose start, or takeover, is in the log.
#[derive(Debug)]
pub struct Adopted<S: Saga> {
    /// What it carries.
    pub saga: Box<S>,
    /// The epoch under which it is this runner's.
    pub epoch: i64,
    /// What is left of its time for deciding.
    pub remaining: Duration,
}

pub(crate) enum Order<S: Saga> {
    Adopt(Vec<Adopted<S>>),
    TakeOver(Vec<Claimed<S>>),
    LowWater(oneshot::Sender<Option<SagaId>>),
    Stop(oneshot::Sender<()>),
}

/// What came of one saga of a batch.
#[derive(Debug)]
pub(crate) struct Answer<S: Saga> {
    pub(crate) event: Event,
    pub(crate) refusal: Option<S::Refusal>,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) error: Option<String>,
}

impl<S: Saga> Answer<S> {
    pub(crate) fn event(event: Event) -> Self {
        Self {
            event,
            refusal: None,
            retry_after: None,
            error: None,
        }
    }
}

/// A handle to a runner's task; clones share it.
pub struct Runner<S: Saga> {
    id: RunnerId,
    orders: mpsc::UnboundedSender<Order<S>>,
    load: Arc<AtomicUsize>,
    window_max: usize,
    marks: Marks,
}

impl<S: Saga> Clone for Runner<S> {
    fn clone(&self) -> Self {
        Self {
            id: self.id,
            orders: self.orders.clone(),
            load: Arc::clone(&self.load),
            window_max: self.window_max,
            marks: self.marks.clone(),
        }
    }
}

impl<S: Saga> std::fmt::Debug for Runner<S> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Runner")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl<S: Saga> Runner<S> {
    /// Starts the task under `id`. It ends after [`Runner::stop`]; if it ends by itself that is a
    /// defect, and the process had better stop so that others take its sagas over.
    pub fn start<L: Log<S>>(
        id: RunnerId,
        definition: Definition<S>,
        log: Arc<L>,
        lease: Lease,
        observer: Arc<dyn Observer<S, L::Receipt>>,
        settings: RunnerSettings,
    ) -> (Self, JoinHandle<()>) {
        let (orders, arrivals) = mpsc::unbounded_channel();
        let load = Arc::new(AtomicUsize::new(0));
        let task = task::Task::new(task::Parts {
            id,
            definition,
            log,
            lease,
            observer,
            settings,
            load: Arc::clone(&load),
        });
        let joined = tokio::spawn(task.run(arrivals));
        let window_max = settings.window_max;
        (
            Self {
                id,
                orders,
                load,
                window_max,
                marks: Marks::default(),
            },
            joined,
        )
    }

    /// The runner's id, as it stands in the log rows of its sagas.
    #[must_use]
    pub fn id(&self) -> RunnerId {
        self.id
    }

    /// How many more sagas it would carry now.
    #[must_use]
    pub fn room(&self) -> usize {
        self.window_max
            .saturating_sub(self.load.load(Ordering::Relaxed))
    }

    /// More sagas than this are never its own in the log: a full window, and as many that are on
    /// their way into it.
    pub(crate) fn carried_max(&self) -> usize {
        self.window_max.saturating_mul(2)
    }

    /// Has to be held from before the first id of a start is made, and settled when the start is
    /// adopted.
    #[must_use]
    pub fn starting(&self) -> InDoubt {
        self.marks.hold(SagaId(Uuid::now_v7()))
    }

    /// Has to be held from before sagas of any age are taken over in the log, and settled when they
    /// are handed over.
    #[must_use]
    pub fn taking_over(&self) -> InDoubt {
        self.marks.hold(SagaId(Uuid::nil()))
    }

    /// Hands over sagas whose start is in the log with this runner's id. One that it already
    /// carries is left as it is.
    pub fn adopt(&self, sagas: Vec<Adopted<S>>) {
        self.load.fetch_add(sagas.len(), Ordering::Relaxed);
        self.send(Order::Adopt(sagas));
    }

    /// Hands over sagas that this runner has in the log and may not carry yet: taken over, or started
    /// by it with the answer lost. How far each has come is not known, so every step may have
    /// started. One that it carries under the same epoch is left as it is; under an earlier one, it
    /// is left for this one as soon as it has nothing in flight.
    pub fn take_over(&self, sagas: Vec<Claimed<S>>) {
        self.load.fetch_add(sagas.len(), Ordering::Relaxed);
        self.send(Order::TakeOver(sagas));
    }

    /// As [`Runner::take_over`], and takes note of the takeover.
    pub fn taken_over(&self, taken: TakenOver<S>) {
        self.take_over(taken.sagas);
        // Only now: whoever reads this number finds the sagas among those carried.
        self.marks.saw_takeovers(taken.takeovers);
    }

    /// When the last answer was lost, if what it may have made is still looked for.
    pub(crate) fn lost_since(&self) -> Option<Instant> {
        self.marks.lost_since()
    }

    /// All that was lost until `since` has been found, or cannot come any more.
    pub(crate) fn found_the_lost(&self, since: Instant) {
        self.marks.found(since);
    }

    fn send(&self, order: Order<S>) {
        // A stopped runner carries nothing; the log has the saga, and others find it there.
        let _ = self.orders.send(order);
    }

    /// What the next sign of life tells.
    pub(crate) async fn sign(&self) -> Sign {
        // Both before the runner is asked: whatever starts or is taken over later is not promised.
        let now = SagaId(Uuid::now_v7());
        let takeovers = self.marks.takeovers();
        let smallest = self.low_water().await;
        Sign {
            low_water: smallest.map_or(now, |smallest| smallest.min(now)),
            takeovers,
        }
    }

    /// No unfinished saga of this runner has a smaller id; `None`: it has none.
    async fn low_water(&self) -> Option<SagaId> {
        let held = self.marks.lowest();
        // Asked after what is held was looked at: what is gone from there is adopted before.
        let (reply, answer) = oneshot::channel();
        self.send(Order::LowWater(reply));
        let carried = answer.await.ok().flatten();
        [held, carried].into_iter().flatten().min()
    }

    /// Gives up whatever it still carries, so that others may take it at once, and ends the task.
    pub async fn stop(&self) {
        // No room from here on, so that it takes over nothing more.
        self.load.fetch_add(self.window_max, Ordering::Relaxed);
        let (reply, answer) = oneshot::channel();
        self.send(Order::Stop(reply));
        let _ = answer.await;
    }
}
