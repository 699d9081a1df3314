//! The hot path: stores the intents of one RPC, asks the provider for those that are new, and joins
//! or answers the rest. It runs detached, so that a caller that leaves stops nothing.

use std::sync::Arc;

use holdfast_kit::refusal::{CallError, Reason, Unknown};
use tokio::time::Instant;

use super::{
    driver::Driver,
    gathering::{Gathering, Told, Waiter},
    registry::Claim,
    task::{Task, authorization_id},
};
use crate::{
    domain::{Authorization, Begun, Outcome, Payment},
    store::{Begin, IntentReply},
};

/// One authorization of an RPC, with its place in the answer.
pub(crate) type Asked = (usize, Arc<Authorization>);

impl Driver {
    /// Begins authorizations, detached; their answers come to the gathering.
    pub(crate) fn authorize(&self, asked: Vec<Asked>, gathering: &Arc<Gathering>, until: Instant) {
        let (driver, gathering) = (self.clone(), Arc::clone(gathering));
        self.parts.tracker.spawn(async move {
            driver.authorize_all(asked, gathering, until).await;
        });
    }

    async fn authorize_all(&self, asked: Vec<Asked>, gathering: Arc<Gathering>, until: Instant) {
        let items = asked.iter().map(|(_, ask)| Arc::clone(ask)).collect();
        let replies = self.parts.intents.submit_all(items).await;
        let mut running = Vec::with_capacity(asked.len());
        let (mut joining, mut again) = (Vec::new(), Vec::new());
        let waiter = |index, replayed| Waiter {
            gathering: Arc::clone(&gathering),
            index,
            replayed,
        };
        for ((index, ask), reply) in asked.into_iter().zip(replies) {
            match next(&ask, reply) {
                Next::Run => running.push((waiter(index, false), ask)),
                Next::Join => joining.push((waiter(index, true), ask)),
                Next::Tell(told) => gathering.tell(index, told),
                Next::Again => again.push((index, Begin::Authorize(ask))),
            }
        }
        again.extend(self.join_running(joining));
        if !again.is_empty() {
            self.begin(again, &gathering, until);
        }
        let tasks = self.claim(running);
        self.drive(tasks).await;
    }

    /// Waits with what this process drives already; gives back what it does not.
    fn join_running(&self, joining: Vec<(Waiter, Arc<Authorization>)>) -> Vec<(usize, Begin)> {
        let wanted = joining
            .iter()
            .map(|(waiter, ask)| (authorization_id(ask), waiter.clone()));
        let joined = self.registry.watch(wanted);
        let left = joining
            .into_iter()
            .zip(joined)
            .filter(|(_, is_joined)| !is_joined);
        left.map(|((waiter, ask), _)| (waiter.index, Begin::Authorize(ask)))
            .collect()
    }

    fn claim(&self, running: Vec<(Waiter, Arc<Authorization>)>) -> Vec<Task> {
        let (waiters, asks): (Vec<Waiter>, Vec<Arc<Authorization>>) = running.into_iter().unzip();
        let ids = asks.iter().map(|ask| authorization_id(ask));
        let claims = self.registry.claim(ids.zip(waiters.into_iter().map(Some)));
        let mine = asks
            .into_iter()
            .zip(claims)
            .filter(|(_, claim)| *claim == Claim::Mine);
        mine.map(|(ask, _)| Task::of_intent(authorization_id(&ask), &ask))
            .collect()
    }
}

/// What follows from the reply to an intent.
enum Next {
    /// It is new: the provider is asked.
    Run,
    /// It came before and has no answer yet.
    Join,
    Tell(Told),
    Again,
}

fn next(ask: &Authorization, reply: Result<IntentReply, saga_batch::WriteError>) -> Next {
    match reply {
        Ok(IntentReply::Stored) => Next::Run,
        Ok(IntentReply::Found(payment)) => found(ask, &payment),
        Ok(IntentReply::TooOld) => {
            let answer = Ok(Outcome::Barred(Reason::KeyTooOld));
            Next::Tell(Told {
                replayed: false,
                answer,
            })
        }
        Ok(IntentReply::Undecodable) => Next::Tell(Told {
            replayed: false,
            answer: Err(Unknown::internal().into()),
        }),
        Err(error) => Next::Tell(Told {
            replayed: false,
            answer: Err(CallError::from(error)),
        }),
    }
}

fn found(ask: &Authorization, payment: &Payment) -> Next {
    match payment.authorize_replay(ask) {
        Some(Begun::Running { .. }) => Next::Join,
        Some(Begun::Settled { replayed, outcome }) => Next::Tell(Told {
            replayed,
            answer: Ok(outcome),
        }),
        Some(Begun::Unsettled) | None => Next::Again,
    }
}
