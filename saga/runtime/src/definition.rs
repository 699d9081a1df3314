//! A definition: named, versioned, its steps in order. Behind the typed steps stands one erased
//! form that takes a batch of sagas in and gives the same batch back with what came of each.

use std::sync::Arc;

use futures::future::BoxFuture;
use saga_core::{Event, Shape, StepIndex};

use crate::{Outcome, Saga, Step, Undo, log::LogEntry, runner::Answer};

/// The steps of a kind of saga, in order.
pub struct Definition<S: Saga> {
    name: &'static str,
    version: i16,
    pub(crate) steps: Vec<Arc<dyn ErasedStep<S>>>,
    /// How many steps stand before the pivot; `None`: the pivot is the finish.
    reversible: Option<usize>,
}

impl<S: Saga> Clone for Definition<S> {
    fn clone(&self) -> Self {
        Self {
            name: self.name,
            version: self.version,
            steps: self.steps.clone(),
            reversible: self.reversible,
        }
    }
}

impl<S: Saga> std::fmt::Debug for Definition<S> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let steps: Vec<_> = self.steps.iter().map(|step| step.name()).collect();
        formatter
            .debug_struct("Definition")
            .field("name", &self.name)
            .field("version", &self.version)
            .field("steps", &steps)
            .finish()
    }
}

impl<S: Saga> Definition<S> {
    /// A definition without steps.
    #[must_use]
    pub fn new(name: &'static str, version: i16) -> Self {
        Self {
            name,
            version,
            steps: Vec::new(),
            reversible: None,
        }
    }

    /// Makes the steps that are added from here on go forward only: a saga that has come so far does
    /// not turn any more. Without it the pivot is the finish.
    #[must_use]
    pub fn pivot(self) -> Self {
        Self {
            reversible: Some(self.steps.len()),
            ..self
        }
    }

    /// Adds the next step.
    #[must_use]
    pub fn step<T: Step<S>>(mut self, step: T) -> Self {
        self.steps.push(Arc::new(Erased(Arc::new(step))));
        self
    }

    /// The definition's name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The definition's version.
    #[must_use]
    pub fn version(&self) -> i16 {
        self.version
    }

    /// What the transition function needs to know of it.
    ///
    /// # Panics
    /// If it has more than 255 steps.
    #[must_use]
    pub fn shape(&self) -> Shape {
        let count = |steps| StepIndex::try_from(steps).expect("a definition has few steps");
        let steps = count(self.steps.len());
        Shape::with_pivot(steps, self.reversible.map_or(steps, count))
    }
}

/// A batch and what came of each of its sagas, in their order.
pub(crate) type Flown<S> = (Vec<LogEntry<S>>, Vec<Answer<S>>);

/// A step without its types.
pub(crate) trait ErasedStep<S: Saga>: Send + Sync {
    fn name(&self) -> &'static str;
    fn run(&self, entries: Vec<LogEntry<S>>) -> BoxFuture<'static, Flown<S>>;
    fn undo(&self, entries: Vec<LogEntry<S>>) -> BoxFuture<'static, Flown<S>>;
}

struct Erased<T>(Arc<T>);

impl<S: Saga, T: Step<S>> ErasedStep<S> for Erased<T> {
    fn name(&self) -> &'static str {
        T::NAME
    }

    fn run(&self, mut entries: Vec<LogEntry<S>>) -> BoxFuture<'static, Flown<S>> {
        let step = Arc::clone(&self.0);
        Box::pin(async move {
            let inputs: Vec<_> = entries
                .iter()
                .map(|entry| step.input(&entry.saga))
                .collect();
            let asked: Vec<bool> = inputs.iter().map(Option::is_some).collect();
            let inputs: Vec<_> = inputs.into_iter().flatten().collect();
            let count = inputs.len();
            let outcomes = if count == 0 {
                Vec::new()
            } else {
                step.run(inputs).await
            };
            assert_eq!(outcomes.len(), count, "a step gives one outcome per input");
            let mut outcomes = outcomes.into_iter();
            let answers = entries.iter_mut().zip(asked).map(|(entry, asked)| {
                match asked.then(|| outcomes.next()).flatten() {
                    None => Answer::event(Event::Skipped),
                    Some(Outcome::Done(output)) => {
                        step.output(&mut entry.saga, output);
                        Answer::event(Event::Done)
                    }
                    Some(outcome) => outcome.into(),
                }
            });
            let answers = answers.collect();
            (entries, answers)
        })
    }

    fn undo(&self, entries: Vec<LogEntry<S>>) -> BoxFuture<'static, Flown<S>> {
        let step = Arc::clone(&self.0);
        Box::pin(async move {
            let inputs: Vec<_> = entries
                .iter()
                .map(|entry| step.undo_input(&entry.saga))
                .collect();
            let asked: Vec<bool> = inputs.iter().map(Option::is_some).collect();
            let inputs: Vec<_> = inputs.into_iter().flatten().collect();
            let count = inputs.len();
            let outcomes = if count == 0 {
                Vec::new()
            } else {
                step.undo(inputs).await
            };
            assert_eq!(outcomes.len(), count, "an undo gives one outcome per input");
            let mut outcomes = outcomes.into_iter();
            let answers = asked
                .into_iter()
                .map(|asked| {
                    asked
                        .then(|| outcomes.next())
                        .flatten()
                        .unwrap_or(Undo::Done)
                        .into()
                })
                .collect();
            (entries, answers)
        })
    }
}

impl<S: Saga, T> From<Outcome<T, S::Refusal>> for Answer<S> {
    fn from(outcome: Outcome<T, S::Refusal>) -> Self {
        match outcome {
            Outcome::Done(_) => Self::event(Event::Done),
            Outcome::Refused(refusal) => Self {
                refusal: Some(refusal),
                ..Self::event(Event::Refused)
            },
            Outcome::InFlight { retry_after } => Self {
                retry_after,
                ..Self::event(Event::Unknown)
            },
            Outcome::Unknown { error } => Self {
                error: Some(error),
                ..Self::event(Event::Unknown)
            },
            Outcome::Barred => Self::event(Event::Barred),
            Outcome::Impossible { error } => Self {
                error: Some(error),
                ..Self::event(Event::Impossible)
            },
        }
    }
}

impl<S: Saga> From<Undo> for Answer<S> {
    fn from(undo: Undo) -> Self {
        match undo {
            Undo::Done => Self::event(Event::Undone),
            Undo::InFlight { retry_after } => Self {
                retry_after,
                ..Self::event(Event::UndoUnknown)
            },
            Undo::Unknown { error } => Self {
                error: Some(error),
                ..Self::event(Event::UndoUnknown)
            },
            Undo::Impossible { error } => Self {
                error: Some(error),
                ..Self::event(Event::Impossible)
            },
        }
    }
}
