//! What goes wrong, on its way into the log: the latest per saga, written in batches off the happy
//! path. Nothing waits for it, but a parked saga's is written until the log has it.

use std::collections::HashMap;

use crate::{SagaId, Trouble};

/// Troubles that wait at the most; past it only parked sagas' are kept, and the rest counted.
const WAITING_MAX: usize = 16_384;
/// Troubles in one write.
const WRITE_MAX: usize = 512;

#[derive(Debug, Default)]
pub(super) struct Troubles {
    waiting: HashMap<SagaId, Trouble>,
    writing: bool,
}

impl Troubles {
    pub(super) fn push(&mut self, trouble: Trouble) {
        if self.waiting.len() >= WAITING_MAX && trouble.halt.is_none() {
            metrics::counter!("holdfast_saga_troubles_dropped_total").increment(1);
            return;
        }
        self.waiting.insert(trouble.id, trouble);
    }

    /// The next ones to write, if any wait and none are being written.
    pub(super) fn take(&mut self) -> Option<Vec<Trouble>> {
        if self.writing || self.waiting.is_empty() {
            return None;
        }
        self.writing = true;
        let ids: Vec<_> = self.waiting.keys().take(WRITE_MAX).copied().collect();
        Some(
            ids.iter()
                .filter_map(|id| self.waiting.remove(id))
                .collect(),
        )
    }

    /// A write has ended; what it did not write comes back unless something newer waits.
    pub(super) fn written(&mut self, unwritten: Vec<Trouble>) {
        self.writing = false;
        for trouble in unwritten {
            self.waiting.entry(trouble.id).or_insert(trouble);
        }
    }
}
