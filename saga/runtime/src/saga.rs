//! What a definition is made of: the data that a saga carries and the steps that it goes through.

use std::{fmt, future::Future, time::Duration};

use uuid::Uuid;

/// Names a saga; UUIDv7, so that ids ascend with time.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct SagaId(pub Uuid);

/// Names a runner; new with each process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunnerId(pub Uuid);

impl RunnerId {
    /// A runner id that nobody has had.
    #[must_use]
    pub fn generate() -> Self {
        Self(Uuid::now_v7())
    }
}

impl fmt::Display for SagaId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl fmt::Display for RunnerId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// What one saga carries from step to step: its input, and what its steps have given so far.
pub trait Saga: Send + Sync + 'static {
    /// Why a saga turns.
    type Refusal: Clone + fmt::Debug + Send + Sync + 'static;

    /// The saga's id.
    fn id(&self) -> SagaId;

    /// How much of a batch's line budget the saga takes.
    fn lines(&self) -> usize {
        1
    }

    /// The refusal of a saga whose time for deciding is up.
    fn timed_out(&self) -> Self::Refusal;
}

/// One step of a definition: what it asks of its participant, and how that is undone.
///
/// Both calls are idempotent under (saga, step): the participant gives its recorded answer again,
/// refusals included, and an undo of what never happened stops a late start of it.
pub trait Step<S: Saga>: Send + Sync + 'static {
    /// What the participant needs to know to do it.
    type Input: Send + 'static;
    /// What the participant gives back.
    type Output: Send + 'static;
    /// What the participant needs to know to undo it.
    type UndoInput: Send + 'static;

    /// Names the step in logs, metrics and the saga's trouble.
    const NAME: &'static str;

    /// What to ask for this saga; `None` skips the step.
    fn input(&self, saga: &S) -> Option<Self::Input>;

    /// Takes up what the participant gave.
    fn output(&self, saga: &mut S, output: Self::Output);

    /// Asks for a batch; one outcome per input, in their order.
    fn run(
        &self,
        inputs: Vec<Self::Input>,
    ) -> impl Future<Output = Vec<Outcome<Self::Output, S::Refusal>>> + Send;

    /// What to undo for this saga; `None` where the step is skipped. A step from the pivot on is
    /// never undone and leaves this and `undo` out.
    fn undo_input(&self, _saga: &S) -> Option<Self::UndoInput> {
        None
    }

    /// Undoes a batch; one outcome per input, in their order.
    fn undo(&self, inputs: Vec<Self::UndoInput>) -> impl Future<Output = Vec<Undo>> + Send {
        let outcomes = inputs.into_iter().map(|_| Undo::Impossible {
            error: format!("{} has an undo input and no undo", Self::NAME),
        });
        std::future::ready(outcomes.collect())
    }
}

/// What came of asking a participant for one saga.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome<T, R> {
    /// It is done, now or before.
    Done(T),
    /// It was refused; the participant has recorded that, so it cannot succeed later.
    Refused(R),
    /// It is still running at the participant; ask again.
    InFlight {
        /// When to ask again; `None` leaves it to the backoff.
        retry_after: Option<Duration>,
    },
    /// Nobody knows. Never taken for a refusal.
    Unknown {
        /// One sentence for the saga's trouble.
        error: String,
    },
    /// It was undone, or stopped before it came: somebody has turned this saga.
    Barred,
    /// An answer that cannot be; no retry mends it.
    Impossible {
        /// One sentence for the saga's trouble.
        error: String,
    },
}

/// What came of undoing one saga's step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undo {
    /// It is undone, or never happened and never will.
    Done,
    /// It is still running at the participant; ask again.
    InFlight {
        /// When to ask again; `None` leaves it to the backoff.
        retry_after: Option<Duration>,
    },
    /// Nobody knows.
    Unknown {
        /// One sentence for the saga's trouble.
        error: String,
    },
    /// An answer that cannot be; no retry mends it.
    Impossible {
        /// One sentence for the saga's trouble.
        error: String,
    },
}
