//! Remembers stock rows that somebody outside held for longer than a batch waits. Batches take
//! such rows only when they are free, so that one held row delays its own orders and no others.
//! A memory and no more: a row is forgotten as soon as it was had, or after a while.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::domain::names::StockKey;

/// So many rows are remembered; more are waited for like any other.
const ROWS_MAX: usize = 1_024;
/// A row that was not had for so long is waited for once more.
const REMEMBERED_FOR: Duration = Duration::from_secs(10);

/// Rows that are taken only when they are free. Shared by the commands of one process.
#[derive(Debug, Default)]
pub(crate) struct HeldRows {
    until: Mutex<HashMap<StockKey, Instant>>,
}

impl HeldRows {
    /// The rows remembered at `now`.
    pub(super) fn remembered(&self, now: Instant) -> HashSet<StockKey> {
        let mut until = self.lock();
        until.retain(|_, until| *until > now);
        until.keys().cloned().collect()
    }

    /// Remembers rows that somebody holds, and forgets the ones that were had.
    pub(super) fn note<'a>(
        &self,
        now: Instant,
        held: impl IntoIterator<Item = &'a StockKey>,
        had: impl IntoIterator<Item = &'a StockKey>,
    ) {
        let mut until = self.lock();
        for row in had {
            until.remove(row);
        }
        for row in held {
            if until.len() < ROWS_MAX {
                until.entry(row.clone()).or_insert(now + REMEMBERED_FOR);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<StockKey, Instant>> {
        // The map is whole between any two of its operations.
        self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::{HeldRows, REMEMBERED_FOR};
    use crate::domain::names::{LocationId, Sku, StockKey};

    #[test]
    fn a_held_row_is_forgotten_when_it_was_had_or_after_a_while() {
        let row = |sku: &str| StockKey {
            sku: Sku::new(sku),
            location_id: LocationId::default(),
        };
        let held = HeldRows::default();
        let start = Instant::now();
        held.note(start, [&row("a"), &row("b")], []);
        held.note(start, [], [&row("a")]);
        assert_eq!(
            held.remembered(start).into_iter().collect::<Vec<_>>(),
            [row("b")]
        );
        assert!(held.remembered(start + REMEMBERED_FOR).is_empty());
    }
}
