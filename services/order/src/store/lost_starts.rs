//! Starts whose answer was lost. Such an insert may have been made, or may still be, with this
//! process named as the runner of sagas that it does not carry. Once the server can no longer be
//! working on it the sagas are given up, so that any runner takes them; until then the low-water
//! mark stays below them, so that the heirs of a dead process find them as well.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use holdfast_kit::id::OrderId;
use saga_runtime::{Log, RunnerId, SagaId, Starting};
use tokio::time::{Instant, sleep};

use super::OrderLog;

/// Longer than the server lets a writer's statement run.
const SETTLED_AFTER: Duration = Duration::from_secs(12);
/// Between looks at what has settled.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The starts of this process whose answer was lost.
#[derive(Debug, Default)]
pub(crate) struct LostStarts {
    lost: Mutex<Vec<Lost>>,
}

#[derive(Debug)]
struct Lost {
    since: Instant,
    ids: HashSet<OrderId>,
    _starting: Starting,
}

/// An insert that is on its way: lost, unless it is settled.
#[derive(Debug)]
pub(super) struct Attempt<'a> {
    starts: &'a LostStarts,
    ids: &'a [OrderId],
    starting: Option<Starting>,
}

impl Attempt<'_> {
    /// The insert was made and its sagas are carried, or the database has refused it.
    pub(super) fn settled(mut self) {
        self.starting = None;
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if let Some(starting) = self.starting.take() {
            self.starts.lock().push(Lost {
                since: Instant::now(),
                ids: self.ids.iter().copied().collect(),
                _starting: starting,
            });
        }
    }
}

impl LostStarts {
    fn lock(&self) -> MutexGuard<'_, Vec<Lost>> {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins an insert; `starting` was held from before its ids were made.
    pub(super) fn attempt<'a>(&'a self, ids: &'a [OrderId], starting: Starting) -> Attempt<'a> {
        Attempt {
            starts: self,
            ids,
            starting: Some(starting),
        }
    }

    /// These are carried after all: their key was placed again, and their row found.
    pub(super) fn found(&self, ids: impl Iterator<Item = OrderId>) {
        let mut lost = self.lock();
        if lost.is_empty() {
            return;
        }
        for id in ids {
            for start in lost.iter_mut() {
                start.ids.remove(&id);
            }
        }
    }

    /// Gives up what has settled, until the process ends.
    pub(crate) async fn give_up(self: Arc<Self>, log: Arc<OrderLog>, runner: RunnerId) {
        loop {
            sleep(LOOK_EVERY).await;
            self.give_up_older(&log, runner, SETTLED_AFTER).await;
        }
    }

    /// Gives up what was lost longer than `age` ago.
    pub(super) async fn give_up_older(&self, log: &OrderLog, runner: RunnerId, age: Duration) {
        let old: Vec<Lost> = self
            .lock()
            .extract_if(.., |start| start.since.elapsed() >= age)
            .collect();
        for start in old {
            let ids: Vec<SagaId> = start.ids.iter().map(|id| SagaId(id.as_uuid())).collect();
            if ids.is_empty() {
                continue;
            }
            tracing::warn!(
                orders = ids.len(),
                "starts lost; whatever was made is given up"
            );
            if let Err(error) = log.release(runner, &ids).await {
                tracing::warn!(error = error.0, "lost starts not given up yet");
                self.lock().push(start);
            }
        }
    }
}
