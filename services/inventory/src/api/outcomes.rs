//! Counts what came of orders, by outcome. Every counter is made once, so that counting on the hot
//! path looks nothing up.

use metrics::Counter;

use crate::domain::record::Answer;
use crate::domain::release::{Answer as ReleaseAnswer, End};

/// One counter per outcome.
pub(crate) struct Outcomes {
    allocated: Counter,
    refused: Counter,
    key_reused: Counter,
    barred: Counter,
    replayed: Counter,
    contested: Counter,
    released: Counter,
    entombed: Counter,
    release_replayed: Counter,
    release_contested: Counter,
}

impl std::fmt::Debug for Outcomes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outcomes").finish_non_exhaustive()
    }
}

impl Outcomes {
    pub(crate) fn new() -> Self {
        let allocation = |outcome: &'static str| metrics::counter!("holdfast_inventory_allocations_total", "outcome" => outcome);
        let release = |outcome: &'static str| metrics::counter!("holdfast_inventory_releases_total", "outcome" => outcome);
        Self {
            allocated: allocation("allocated"),
            refused: allocation("refused"),
            key_reused: allocation("key_reused"),
            barred: allocation("barred"),
            replayed: allocation("replayed"),
            contested: allocation("contested"),
            released: release("released"),
            entombed: release("tombstoned"),
            release_replayed: release("replayed"),
            release_contested: release("contested"),
        }
    }

    /// Counts the answer to an allocation; a repeated refusal counts as refused.
    pub(super) fn allocation(&self, answer: &Answer) {
        match answer {
            Answer::Done {
                replayed: false, ..
            } => &self.allocated,
            Answer::Done { replayed: true, .. } => &self.replayed,
            Answer::Refused(_) => &self.refused,
            Answer::KeyReused(_) => &self.key_reused,
            Answer::Barred(_) => &self.barred,
            Answer::Contested => &self.contested,
        }
        .increment(1);
    }

    /// Counts the answer to a release.
    pub(super) fn release(&self, answer: &ReleaseAnswer) {
        match answer {
            ReleaseAnswer::Done { replayed: true, .. } => &self.release_replayed,
            ReleaseAnswer::Done {
                end: End::Released(_),
                ..
            } => &self.released,
            ReleaseAnswer::Done {
                end: End::NeverKept,
                ..
            } => &self.entombed,
            ReleaseAnswer::Contested => &self.release_contested,
        }
        .increment(1);
    }
}
