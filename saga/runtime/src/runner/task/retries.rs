//! When sagas are due again: a heap of times. An entry that a saga no longer waits for is passed
//! over when its time comes, by the number that the saga keeps of its latest one.

use std::{cmp::Reverse, collections::BinaryHeap, time::Instant};

#[derive(Debug, Default)]
pub(super) struct Retries {
    heap: BinaryHeap<Reverse<(Instant, u64, usize)>>,
    count: u64,
}

impl Retries {
    /// Has the saga at `key` be due at `due`; gives the number of this retry, never 0.
    pub(super) fn push(&mut self, due: Instant, key: usize) -> u64 {
        self.count += 1;
        self.heap.push(Reverse((due, self.count, key)));
        self.count
    }

    /// The time of the next one.
    pub(super) fn next(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse((due, _, _))| *due)
    }

    /// The next one whose time has come: its saga's key and its number.
    pub(super) fn due(&mut self, now: Instant) -> Option<(usize, u64)> {
        let Reverse((due, retry, key)) = *self.heap.peek()?;
        if due > now {
            return None;
        }
        self.heap.pop();
        Some((key, retry))
    }
}
