//! What the low-water mark of a runner has to stay below beside the sagas that it carries: those on
//! their way into the log or out of it, and those whose answer was lost.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Instant,
};

use crate::SagaId;

/// Clones share what they hold.
#[derive(Clone, Debug, Default)]
pub(super) struct Marks {
    held: Arc<Mutex<Vec<SagaId>>>,
    lost: Arc<Mutex<Option<Lost>>>,
    takeovers: Arc<AtomicI64>,
}

/// Keeps the low-water mark below the ids of sagas that are on their way into the log, or out of it.
#[derive(Debug)]
pub struct Starting {
    floor: SagaId,
    all: Arc<Mutex<Vec<SagaId>>>,
}

/// Writes to the log whose answers were lost.
#[derive(Debug)]
struct Lost {
    since: Instant,
    held: Starting,
}

impl Drop for Starting {
    fn drop(&mut self) {
        let mut all = lock(&self.all);
        if let Some(index) = all.iter().position(|floor| *floor == self.floor) {
            all.swap_remove(index);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Marks {
    pub(super) fn hold(&self, floor: SagaId) -> Starting {
        lock(&self.held).push(floor);
        Starting {
            floor,
            all: Arc::clone(&self.held),
        }
    }

    /// The lowest mark that is held.
    pub(super) fn lowest(&self) -> Option<SagaId> {
        lock(&self.held).iter().min().copied()
    }

    /// The takeovers whose sagas have been handed over.
    pub(super) fn takeovers(&self) -> i64 {
        self.takeovers.load(Ordering::Acquire)
    }

    /// The sagas of the first `takeovers` have been handed over.
    pub(super) fn saw_takeovers(&self, takeovers: i64) {
        self.takeovers.fetch_max(takeovers, Ordering::AcqRel);
    }

    /// The answer of a write, during which `held` was held, was lost.
    pub(super) fn lose(&self, held: Starting) {
        let mut lost = lock(&self.lost);
        // The lower mark covers the other.
        let held = match lost.take() {
            Some(before) if before.held.floor < held.floor => before.held,
            _ => held,
        };
        let since = Instant::now();
        *lost = Some(Lost { since, held });
    }

    /// When the last answer was lost, if what it may have made is still looked for.
    pub(super) fn lost_since(&self) -> Option<Instant> {
        lock(&self.lost).as_ref().map(|lost| lost.since)
    }

    /// All that was lost until `since` has been found, or cannot come any more.
    pub(super) fn found(&self, since: Instant) {
        lock(&self.lost).take_if(|lost| lost.since == since);
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::{Marks, SagaId};

    #[test]
    fn what_is_lost_is_held_until_it_is_found() {
        let marks = Marks::default();
        let (low, high) = (SagaId(Uuid::from_u128(1)), SagaId(Uuid::from_u128(2)));
        marks.lose(marks.hold(low));
        let first = marks.lost_since().expect("something is lost");
        marks.lose(marks.hold(high));
        assert_eq!(marks.lowest(), Some(low));
        let latest = marks.lost_since().expect("something is lost");
        if first != latest {
            marks.found(first);
            assert_eq!(marks.lost_since(), Some(latest), "more was lost since");
        }
        marks.found(latest);
        assert_eq!((marks.lost_since(), marks.lowest()), (None, None));
    }
}
