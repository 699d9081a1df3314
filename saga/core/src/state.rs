//! Where a saga stands, what can happen to it and what there is to do.

use crate::StepIndex;

/// Where a saga stands between two events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// What it waits for.
    pub phase: Phase,
    /// Failed attempts at what it waits for; 0 after each progress.
    pub attempt: u32,
    /// How many steps, from the first on, may have started: those have to be undone after a turn.
    pub started: StepIndex,
    /// Whether the log says that it compensates.
    pub turned: bool,
    /// Whether it ends refused: it has turned, or stopped before anything could need an undo.
    pub refused: bool,
    /// Whether its time is up, so that it turns as soon as it may.
    pub spent: bool,
}

/// What a saga waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// The answer of a step's participant.
    Running(StepIndex),
    /// The time of a step's next attempt.
    Retrying(StepIndex),
    /// The log's answer to a turn.
    Turning,
    /// The answer to a step's undo.
    Undoing(StepIndex),
    /// The time of an undo's next attempt.
    RetryingUndo(StepIndex),
    /// The log's answer to a finish.
    Finishing,
    /// The log row, read again, before anything else.
    Reading(After),
    /// The time at which the log row is read again.
    RetryingRead(After),
    /// An operator: no retry can mend it.
    Parked,
    /// Nothing: the log says that it is finished.
    Ended,
    /// Nothing: another runner has it.
    Gone,
}

/// Why the log row is read, and so what follows when it is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum After {
    /// The answer to a turn was lost, or the turn changed nothing.
    Turn,
    /// The answer to a finish was lost, or the finish changed nothing.
    Finish,
    /// A participant barred this step.
    Barred(StepIndex),
}

/// What has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// Its start is in the log.
    Started,
    /// It was taken over, and its log row says whether it has turned.
    Claimed {
        /// Whether the row has a turn.
        turned: bool,
    },
    /// The step has nothing to do for this saga.
    Skipped,
    /// The step is done, now or before.
    Done,
    /// The participant has recorded its refusal.
    Refused,
    /// Nobody knows; it may have happened, or may still.
    Unknown,
    /// The operation was undone or stopped before it came: somebody has turned this saga.
    Barred,
    /// The undo is done, or was not needed.
    Undone,
    /// Nobody knows whether the undo has happened.
    UndoUnknown,
    /// A participant gave an answer that cannot be, or the saga cannot be decoded.
    Impossible,
    /// The time of the next attempt has come.
    Due,
    /// The time for deciding is up, or somebody outside wants it turned.
    Spent,
    /// This process has taken it over itself, under a later epoch.
    Superseded,
    /// The log has made the change that was asked for.
    Logged,
    /// The log has changed nothing: the row is not as the change presumes.
    Stale,
    /// The log's answer was lost.
    LogUnknown,
    /// The log row says that the saga is finished.
    ReadEnded,
    /// The log row names another runner or a later epoch.
    ReadTaken,
    /// The log row is this runner's, unfinished.
    ReadMine {
        /// Whether the row has a turn.
        turned: bool,
    },
}

/// The one thing to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Call the step's participant.
    Run(StepIndex),
    /// Call the undo of the step's participant.
    Undo(StepIndex),
    /// Write the turn to the log, if it is unfinished, not turned and of this epoch.
    Turn,
    /// Write the end to the log, if it is unfinished, turned as this state says and of this epoch.
    Finish,
    /// Read the log row.
    Read,
    /// Wait as long as the backoff says for this attempt, then report [`Event::Due`].
    Wait,
    /// Mark it parked in the log and raise an alert.
    Park,
    /// Tell whoever waits that it has ended, and forget it.
    Settle,
    /// Forget it; whoever waits follows it elsewhere.
    Leave,
    /// Nothing: an answer is still awaited.
    Nothing,
}

impl State {
    /// Where every saga stands before its first event.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            phase: Phase::Retrying(0),
            attempt: 0,
            started: 0,
            turned: false,
            refused: false,
            spent: false,
        }
    }

    /// Whether a call is in flight, so that the next event is its answer.
    #[must_use]
    pub const fn awaits_answer(&self) -> bool {
        matches!(
            self.phase,
            Phase::Running(_)
                | Phase::Turning
                | Phase::Undoing(_)
                | Phase::Finishing
                | Phase::Reading(_)
        )
    }
}

impl Default for State {
    fn default() -> Self {
        Self::new()
    }
}
