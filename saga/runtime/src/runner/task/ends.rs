//! How a saga leaves the runner, well or not, and what is written down about what goes wrong.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use saga_core::{Event, Phase};

use super::{super::Answer, Task, slots::Incoming};
use crate::{Halt, Log, Saga, Settled, Trouble};

/// What a trouble names in place of a step.
pub(super) const LOG: &str = "log";
/// Failed attempts at one thing after which an alert is raised, and again after as many more: about a
/// minute of a step's, five of an undo's.
const ALERT_EVERY: u32 = 64;

impl<S: Saga, L: Log<S>> Task<S, L> {
    pub(super) fn wait(
        &mut self,
        key: usize,
        retry_after: Option<Duration>,
        error: Option<String>,
    ) {
        self.measures.retries.increment(1);
        self.go_on_counting(key);
        let settings = self.parts.settings;
        let slot = self.slots.get(key);
        let backoff = match slot.state.phase {
            Phase::RetryingUndo(_) => settings.undo_backoff,
            _ => settings.backoff,
        };
        let (_, low) = slot.id.0.as_u64_pair();
        let pause = backoff.after(slot.state.attempt, low);
        let pause = retry_after.map_or(pause, |asked| asked.min(backoff.cap));
        slot.retry = self.retries.push(Instant::now() + pause, key);
        let phase = slot.state.phase;
        // What is still running at a participant is no trouble.
        if let Some(error) = error {
            let trouble = self.trouble(key, phase, error, Some(pause), None);
            if trouble.attempts.is_multiple_of(ALERT_EVERY) {
                self.measures.alerts.increment(1);
                tracing::error!(saga.id = %trouble.id, step = trouble.step, undo = trouble.undo,
                    error = trouble.error, attempts = trouble.attempts,
                    "saga fails again and again; it is tried until an operator mends the cause");
            } else {
                tracing::debug!(saga.id = %trouble.id, step = trouble.step, undo = trouble.undo,
                    error = trouble.error, attempts = trouble.attempts,
                    "saga waits for its next attempt");
            }
            self.troubles.push(trouble);
        }
    }

    /// Adds the attempts of the runner before this one, once the saga fails where it had failed.
    fn go_on_counting(&mut self, key: usize) {
        let slot = self.slots.get(key);
        let phase = slot.state.phase;
        let Some(noted) = slot.noted.take() else {
            return;
        };
        let (step, undo) = self.place_of(phase);
        let slot = self.slots.get(key);
        if step == noted.step && undo == noted.undo {
            slot.state.attempt = slot.state.attempt.saturating_add(noted.attempts);
        } else {
            slot.noted = Some(noted);
        }
    }

    /// The name of the step that a saga is at, or "log", and whether it is the step's undo.
    fn place_of(&self, phase: Phase) -> (&'static str, bool) {
        let (index, undo) = match phase {
            Phase::Running(index) | Phase::Retrying(index) => (index, false),
            Phase::Undoing(index) | Phase::RetryingUndo(index) => (index, true),
            _ => return (LOG, false),
        };
        let step = &self.parts.definition.steps[usize::from(index)];
        (step.name(), undo)
    }

    pub(super) fn settle(&mut self, key: usize, receipt: Option<L::Receipt>) {
        let slot = self.slots.remove(key);
        // An heir of what has ended has nothing to go on with.
        let leaving = 1 + usize::from(slot.heir.is_some());
        self.parts.load.fetch_sub(leaving, Ordering::Relaxed);
        let entry = slot.entry.expect("a saga that has landed has its entry");
        let receipt = receipt.expect("a finish that made the change gives a receipt");
        self.measures.settled.increment(1);
        if entry.refusal.is_some() {
            self.measures.refused.increment(1);
        }
        self.settled.push(Settled {
            saga: entry.saga,
            refusal: entry.refusal,
            receipt,
        });
    }

    pub(super) fn leave(&mut self, key: usize) {
        let slot = self.slots.remove(key);
        self.parts.load.fetch_sub(1, Ordering::Relaxed);
        self.measures.left.increment(1);
        self.left.push(slot.id);
        if let Some(heir) = slot.heir {
            self.admit(*heir);
        }
    }

    /// Has a saga that is carried already go on under its later epoch, at once or when what it has
    /// in flight has landed.
    pub(super) fn supersede(&mut self, key: usize, incoming: Incoming<S>) {
        let slot = self.slots.get(key);
        let latest = slot
            .heir
            .as_ref()
            .map_or(slot.epoch, |heir| heir.entry.epoch);
        if incoming.entry.epoch <= latest {
            self.parts.load.fetch_sub(1, Ordering::Relaxed);
            return;
        }
        if slot.heir.replace(Box::new(incoming)).is_some() {
            self.parts.load.fetch_sub(1, Ordering::Relaxed);
        }
        if !slot.state.awaits_answer() {
            self.apply(key, Answer::event(Event::Superseded), None);
        }
    }

    /// What a landed saga goes by: its answer, or that it goes on under a later epoch. An end that
    /// is in the log is an end.
    pub(super) fn unless_superseded(&mut self, key: usize, answer: Answer<S>) -> Answer<S> {
        let slot = self.slots.get(key);
        let ended = slot.state.phase == Phase::Finishing && answer.event == Event::Logged;
        if slot.heir.is_some() && !ended {
            return Answer::event(Event::Superseded);
        }
        answer
    }

    pub(super) fn park(&mut self, trouble: Trouble) {
        self.measures.parked.increment(1);
        tracing::error!(saga.id = %trouble.id, step = trouble.step, error = trouble.error,
            "saga parked; an operator has to look at it");
        self.troubles.push(trouble);
    }

    pub(super) fn trouble(
        &mut self,
        key: usize,
        phase: Phase,
        error: String,
        next_in: Option<Duration>,
        halt: Option<Halt>,
    ) -> Trouble {
        let (step, undo) = self.place_of(phase);
        let slot = self.slots.get(key);
        Trouble {
            id: slot.id,
            epoch: slot.entry.as_ref().map_or(0, |entry| entry.epoch),
            step,
            undo,
            attempts: slot.state.attempt,
            error,
            next_in,
            halt,
        }
    }

    pub(super) fn tell(&mut self) {
        if !self.settled.is_empty() {
            self.parts
                .observer
                .settled(std::mem::take(&mut self.settled));
        }
        if !self.left.is_empty() {
            self.parts.observer.left(std::mem::take(&mut self.left));
        }
    }
}
