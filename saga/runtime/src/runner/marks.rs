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
    floors: Arc<Mutex<Floors>>,
    takeovers: Arc<AtomicI64>,
}

#[derive(Debug, Default)]
struct Floors {
    /// Of writes that are on their way.
    held: Vec<SagaId>,
    lost: Option<Lost>,
}

/// Writes whose answer was lost, since the last of them.
#[derive(Clone, Copy, Debug)]
struct Lost {
    since: Instant,
    floor: SagaId,
}

/// Sagas on their way into the log, or out of it, as this runner's own; the low-water mark stays below
/// them. If this is dropped before it is settled, whatever the write may have made the runner's own is
/// looked for in the log until it can no longer come.
#[derive(Debug)]
pub struct InDoubt {
    floor: SagaId,
    settled: bool,
    marks: Marks,
}

impl InDoubt {
    /// The sagas have been handed over, or the database has refused the write.
    pub fn settled(mut self) {
        self.settled = true;
    }
}

impl Drop for InDoubt {
    fn drop(&mut self) {
        let mut floors = self.marks.floors();
        if let Some(index) = floors.held.iter().position(|floor| *floor == self.floor) {
            floors.held.swap_remove(index);
        }
        if !self.settled {
            let before = floors.lost.map_or(self.floor, |lost| lost.floor);
            floors.lost = Some(Lost {
                since: Instant::now(),
                floor: before.min(self.floor),
            });
        }
    }
}

impl Marks {
    fn floors(&self) -> MutexGuard<'_, Floors> {
        self.floors.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn hold(&self, floor: SagaId) -> InDoubt {
        self.floors().held.push(floor);
        InDoubt {
            floor,
            settled: false,
            marks: self.clone(),
        }
    }

    /// The lowest mark that is held.
    pub(super) fn lowest(&self) -> Option<SagaId> {
        let floors = self.floors();
        let lost = floors.lost.map(|lost| lost.floor);
        floors.held.iter().copied().chain(lost).min()
    }

    /// The takeovers whose sagas have been handed over.
    pub(super) fn takeovers(&self) -> i64 {
        self.takeovers.load(Ordering::Acquire)
    }

    /// The sagas of the first `takeovers` have been handed over.
    pub(super) fn saw_takeovers(&self, takeovers: i64) {
        self.takeovers.fetch_max(takeovers, Ordering::AcqRel);
    }

    /// When the last answer was lost, if what it may have made is still looked for.
    pub(super) fn lost_since(&self) -> Option<Instant> {
        self.floors().lost.map(|lost| lost.since)
    }

    /// All that was lost until `since` has been found, or cannot come any more.
    pub(super) fn found(&self, since: Instant) {
        self.floors().lost.take_if(|lost| lost.since == since);
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::{Marks, SagaId};

    const LOW: SagaId = SagaId(Uuid::from_u128(1));
    const HIGH: SagaId = SagaId(Uuid::from_u128(2));

    #[test]
    fn a_write_holds_the_mark_until_it_is_settled() {
        let marks = Marks::default();
        let (low, high) = (marks.hold(LOW), marks.hold(HIGH));
        assert_eq!(marks.lowest(), Some(LOW));
        low.settled();
        assert_eq!(marks.lowest(), Some(HIGH));
        high.settled();
        assert_eq!((marks.lowest(), marks.lost_since()), (None, None));
    }

    #[test]
    fn what_is_dropped_unsettled_holds_the_mark_until_it_is_found() {
        let marks = Marks::default();
        drop(marks.hold(LOW));
        let first = marks.lost_since().expect("something is lost");
        drop(marks.hold(HIGH));
        assert_eq!(marks.lowest(), Some(LOW));
        let latest = marks.lost_since().expect("something is lost");
        assert!(latest > first);
        marks.found(first);
        assert_eq!(marks.lost_since(), Some(latest), "more was lost since");
        marks.found(latest);
        assert_eq!((marks.lost_since(), marks.lowest()), (None, None));
    }
}
