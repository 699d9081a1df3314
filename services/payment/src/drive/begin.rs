//! The other operations: stores what callers ask for under the payment's lock and waits with them.
//! Where something else must have its answer first, it is driven there and the question is put
//! again, for as long as the caller waits.

use std::{sync::Arc, time::Duration};

use holdfast_kit::refusal::{CallError, Reason, Unknown};
use tokio::time::Instant;

use super::{
    driver::Driver,
    gathering::{Gathering, Told, Waiter},
};
use crate::{
    domain::{Begun, OperationId},
    store::{Begin, Change, Changed},
};

/// The pause before a question is put again when nothing that it waits for is driven here.
const UNWATCHED_PAUSE: Duration = Duration::from_millis(5);

impl Driver {
    /// Begins operations, detached; their answers come to the gathering. What cannot even begin by
    /// `until` is given up without an answer.
    pub(crate) fn begin(
        &self,
        asked: Vec<(usize, Begin)>,
        gathering: &Arc<Gathering>,
        until: Instant,
    ) {
        let (driver, gathering) = (self.clone(), Arc::clone(gathering));
        self.parts.tracker.spawn(async move {
            driver.begin_all(asked, gathering, until).await;
        });
    }

    async fn begin_all(
        &self,
        asked: Vec<(usize, Begin)>,
        gathering: Arc<Gathering>,
        until: Instant,
    ) {
        let mut left = asked;
        while !left.is_empty() {
            let changes = left
                .iter()
                .map(|(_, begin)| Change::Begin(begin.clone()))
                .collect();
            let replies = self.parts.changes.submit_all(changes).await;
            let mut unsettled = Vec::new();
            let mut blockers = Vec::new();
            for ((index, begin), reply) in left.into_iter().zip(replies) {
                match reply {
                    Ok(changed) => {
                        let id = begin.id();
                        if let Some(ids) = self.take_up(index, id, changed, &gathering) {
                            blockers.extend(ids);
                            unsettled.push((index, begin));
                        }
                    }
                    Err(error) => {
                        let answer = Err(CallError::from(error));
                        gathering.tell(
                            index,
                            Told {
                                replayed: false,
                                answer,
                            },
                        );
                    }
                }
            }
            if !blockers.is_empty() && !self.wait_for(blockers, until).await {
                return;
            }
            left = unsettled;
        }
    }

    /// Answers or joins one operation. Some: it waits for these, and must be asked for again.
    fn take_up(
        &self,
        index: usize,
        id: OperationId,
        changed: Changed,
        gathering: &Arc<Gathering>,
    ) -> Option<Vec<OperationId>> {
        match changed.begun {
            Some(Begun::Settled { replayed, outcome }) => {
                gathering.tell(
                    index,
                    Told {
                        replayed,
                        answer: Ok(outcome),
                    },
                );
                None
            }
            Some(Begun::Running { replayed }) => {
                let waiter = Waiter {
                    gathering: Arc::clone(gathering),
                    index,
                    replayed,
                };
                self.join(id, waiter, changed);
                None
            }
            Some(Begun::Unsettled) | None => {
                let blockers = changed.in_flight.iter().map(|one| one.id.clone()).collect();
                self.start(changed.in_flight, changed.time);
                Some(blockers)
            }
        }
    }

    /// Waits with an operation that is in flight. A reversal has no call of its own: it is claimed
    /// before what it waits for, so that whatever resolves that finds the waiter.
    fn join(&self, id: OperationId, waiter: Waiter, changed: Changed) {
        let is_driven = changed.in_flight.iter().any(|one| one.id == id);
        if !is_driven {
            self.registry.claim([(id, Some(waiter))]);
            self.start(changed.in_flight, changed.time);
            return;
        }
        let (own, others): (Vec<_>, Vec<_>) =
            changed.in_flight.into_iter().partition(|one| one.id == id);
        self.start_with(own, Some(waiter), changed.time);
        self.start(others, changed.time);
    }

    /// Waits until operations have their answers; false if the time came first.
    async fn wait_for(&self, blockers: Vec<OperationId>, until: Instant) -> bool {
        let gathering = Gathering::new(blockers.len());
        let waiter = |index| Waiter {
            gathering: Arc::clone(&gathering),
            index,
            replayed: true,
        };
        let wanted = blockers
            .into_iter()
            .enumerate()
            .map(|(index, id)| (id, waiter(index)));
        let watched = self.registry.watch(wanted);
        let unwatched: Vec<usize> = watched
            .iter()
            .enumerate()
            .filter(|(_, is)| !**is)
            .map(|(index, _)| index)
            .collect();
        if unwatched.len() == watched.len() {
            // Answered meanwhile, or nobody had room to ask.
            let pause = Instant::now() + UNWATCHED_PAUSE;
            tokio::time::sleep_until(pause.min(until)).await;
            return pause < until;
        }
        for index in unwatched {
            waiter(index).tell(Err(Unknown::new(Reason::InFlight, "not driven here").into()));
        }
        gathering.until(until).await.iter().all(Option::is_some)
    }
}
