//! The log port. Writes are compare-and-set on the saga's row: it must be unfinished, turned as the
//! entry says and of the entry's epoch. Each answers for every entry, and an answer that was lost is
//! `Lost`, so that the row is read before anything else is done.

use std::{future::Future, time::Duration};

use crate::{RunnerId, Saga, SagaId};

/// One saga as a log write sees it.
#[derive(Debug)]
pub struct LogEntry<S: Saga> {
    /// What the saga carries.
    pub saga: Box<S>,
    /// The epoch that the row must have.
    pub epoch: i64,
    /// Whether the row must have a turn (`finish`); `turn` presumes that it has none.
    pub turned: bool,
    /// Why it turns or ends refused; `None` ends it well.
    pub refusal: Option<S::Refusal>,
}

/// What a log write did for one saga.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Logged<T> {
    /// It made the change.
    Changed(T),
    /// The row was not as the change presumes.
    Stale,
    /// The answer was lost: it may have made the change.
    Lost,
    /// The database refuses this change for good.
    Impossible(String),
}

/// A saga's row as it is read again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row<R> {
    /// The saga.
    pub id: SagaId,
    /// Whether it is finished.
    pub ended: bool,
    /// Who has it.
    pub runner: Option<RunnerId>,
    /// Its epoch.
    pub epoch: i64,
    /// Why it has turned; `None`: it has not.
    pub turned: Option<R>,
}

/// A saga taken over from the log.
#[derive(Debug)]
pub struct Claimed<S: Saga> {
    /// The saga's id.
    pub id: SagaId,
    /// What it carries, or why it cannot be decoded.
    pub saga: Result<Box<S>, String>,
    /// The epoch under which it is this runner's.
    pub epoch: i64,
    /// Why it has turned; `None`: it goes forward.
    pub refusal: Option<S::Refusal>,
    /// What is left of its time for deciding, by the database's clock.
    pub remaining: Duration,
    /// What it failed at when it was last written about.
    pub noted: Option<Noted>,
}

/// Sagas taken over at once.
#[derive(Debug)]
pub struct TakenOver<S: Saga> {
    /// The sagas.
    pub sagas: Vec<Claimed<S>>,
    /// How many takeovers the log has seen of this runner, this one included.
    pub takeovers: i64,
}

/// What the log says of a saga's latest [`Trouble`], as far as its next runner needs it: backoff and
/// alerts go on where they were.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
pub struct Noted {
    /// The step.
    pub step: String,
    /// Whether it was the step's undo.
    pub undo: bool,
    /// Failed attempts at it.
    pub attempts: u32,
}

/// Why nothing is tried any more until an operator says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Halt {
    /// No retry can mend it.
    Parked,
}

/// What goes wrong with a saga; written from its first retry on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// The saga.
    pub id: SagaId,
    /// The epoch of who reports it.
    pub epoch: i64,
    /// The step, or "log".
    pub step: &'static str,
    /// Whether it was the step's undo.
    pub undo: bool,
    /// Failed attempts so far.
    pub attempts: u32,
    /// What went wrong, in one sentence.
    pub error: String,
    /// How long until the next attempt.
    pub next_in: Option<Duration>,
    /// Whether it is halted.
    pub halt: Option<Halt>,
}

impl Noted {
    /// Reads what a log has of [`Trouble::to_json`]; an earlier form of it is no trouble.
    #[must_use]
    pub fn from_json(trouble: serde_json::Value) -> Option<Self> {
        serde_json::from_value(trouble).ok()
    }
}

impl Trouble {
    /// What a log keeps of it, beside the time of the next attempt by its own clock.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({
            "step": self.step,
            "undo": self.undo,
            "attempts": self.attempts,
            "error": self.error,
        })
    }

    /// How long until the next attempt, in milliseconds.
    #[must_use]
    pub fn next_in_ms(&self) -> Option<i64> {
        self.next_in
            .map(|pause| i64::try_from(pause.as_millis()).unwrap_or(i64::MAX))
    }
}

/// A runner's sign of life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beat {
    /// The runner.
    pub runner: RunnerId,
    /// Goes up with each beat; says nothing about time.
    pub count: i64,
}

/// What a runner tells with a sign of life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sign {
    /// No unfinished saga of the runner has a smaller id, as far as it has seen its takeovers.
    pub low_water: SagaId,
    /// The takeovers that it had seen when the mark was made. A log with more of them keeps a mark
    /// that is lower.
    pub takeovers: i64,
}

/// The log could not be reached, or its answer was lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogUnreachable(pub String);

/// Where a kind of saga keeps its log.
pub trait Log<S: Saga>: Send + Sync + 'static {
    /// What a finish tells whoever waits for the saga.
    type Receipt: Send + 'static;

    /// Records the decision to compensate, before the first undo.
    fn turn(&self, entries: &[LogEntry<S>]) -> impl Future<Output = Vec<Logged<()>>> + Send;

    /// Records the end: well, where the entry has no refusal, else compensated.
    fn finish(
        &self,
        entries: &[LogEntry<S>],
    ) -> impl Future<Output = Vec<Logged<Self::Receipt>>> + Send;

    /// Reads rows; a saga without one is left out.
    fn read(
        &self,
        ids: &[SagaId],
    ) -> impl Future<Output = Result<Vec<Row<S::Refusal>>, LogUnreachable>> + Send;

    /// Writes down what goes wrong, where the epoch is still the row's.
    fn trouble(
        &self,
        troubles: &[Trouble],
    ) -> impl Future<Output = Result<(), LogUnreachable>> + Send;

    /// Takes over up to `limit` unfinished sagas that nobody has, each with its epoch raised, and
    /// lowers the runner's mark below them in the same change.
    fn claim(
        &self,
        runner: RunnerId,
        limit: usize,
    ) -> impl Future<Output = Result<TakenOver<S>, LogUnreachable>> + Send;

    /// Reads up to `limit` unfinished sagas that are `runner`'s in the log, whether or not it carries
    /// them: those of a claim whose answer was lost are among them.
    fn carried(
        &self,
        runner: RunnerId,
        limit: usize,
    ) -> impl Future<Output = Result<TakenOver<S>, LogUnreachable>> + Send;

    /// Counts the unfinished sagas that nobody has and that this process has no definition for, since
    /// theirs is of a later version.
    fn unknown(&self) -> impl Future<Output = Result<u64, LogUnreachable>> + Send;

    /// Gives unfinished sagas up, so that any runner may take them at once.
    fn release(
        &self,
        runner: RunnerId,
        ids: &[SagaId],
    ) -> impl Future<Output = Result<(), LogUnreachable>> + Send;

    /// Shows a sign of life.
    fn beat(
        &self,
        runner: RunnerId,
        sign: Sign,
    ) -> impl Future<Output = Result<(), LogUnreachable>> + Send;

    /// Reads every runner's sign of life.
    fn beats(&self) -> impl Future<Output = Result<Vec<Beat>, LogUnreachable>> + Send;

    /// Takes away the signs of life of the `dead` and gives up all their sagas with raised epochs,
    /// in one transaction, so that a start of theirs in flight is either given up with the rest or
    /// belongs to nobody from its start. Gives how many there were.
    fn bury(&self, dead: &[RunnerId]) -> impl Future<Output = Result<u64, LogUnreachable>> + Send;
}
