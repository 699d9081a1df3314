//! The driver: takes tasks to the provider, commits what it says, and asks again until it has said
//! something definite. What it does is safe to do twice: keys make it one operation at the
//! provider, and the first committed answer stands.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use holdfast_kit::refusal::Unknown;
use saga_batch::Writer;
use sqlx::PgPool;
use tokio::{sync::mpsc, time::Instant};
use tokio_util::task::TaskTracker;

use super::{
    gathering::Waiter,
    queue::Errand,
    registry::{Claim, Registry},
    task::{ATTEMPTS_BEFORE_ALERT, Task},
};
use crate::{
    domain::{Action, Decision, InFlight, OperationId},
    gateway::{Answer, Gateway, Verdict},
    store::{Change, Changes, FirstAnswer, FirstAnswerReply, Intents, Outcomes},
};

/// What a driver is made of.
pub(crate) struct Parts {
    pub(crate) gateway: Arc<dyn Gateway>,
    pub(crate) intents: Writer<Intents>,
    pub(crate) outcomes: Writer<Outcomes>,
    pub(crate) changes: Writer<Changes>,
    pub(crate) reads: PgPool,
    pub(crate) tracker: TaskTracker,
}

/// Drives operations; clones share everything.
#[derive(Clone)]
pub(crate) struct Driver(Arc<Inner>);

pub(crate) struct Inner {
    pub(super) parts: Parts,
    pub(super) registry: Registry,
    pub(super) errands: mpsc::UnboundedSender<Errand>,
    keys_kept: Duration,
}

impl std::ops::Deref for Driver {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

/// What the provider said to one task.
type Heard = (Task, Verdict);

impl Driver {
    pub(super) fn new(parts: Parts, errands: mpsc::UnboundedSender<Errand>) -> Self {
        let keys_kept = parts.gateway.capability().keys_kept;
        Self(Arc::new(Inner {
            parts,
            registry: Registry::new(),
            errands,
            keys_kept,
        }))
    }

    /// Says why an operation has no answer yet; none where it is not even known which.
    pub(crate) fn unknown(&self, id: Option<&OperationId>) -> Unknown {
        id.map_or_else(Unknown::internal, |id| self.registry.unknown(id))
    }

    /// Asks the provider for tasks that this process has claimed, until each has been answered or
    /// is put back for later.
    pub(super) async fn drive(&self, tasks: Vec<Task>) {
        if tasks.is_empty() {
            return;
        }
        let requests = tasks
            .iter()
            .map(|task| task.request(self.keys_kept))
            .collect();
        let mut answers = self.parts.gateway.ask(requests);
        let mut left = tasks.len();
        let mut open: Vec<Option<Task>> = tasks.into_iter().map(Some).collect();
        while left > 0
            && let Some(group) = answers.next().await
        {
            let heard: Vec<Heard> = group
                .into_iter()
                .filter_map(|Answer { index, verdict }| {
                    open.get_mut(index)?.take().map(|task| (task, verdict))
                })
                .collect();
            left -= heard.len();
            self.hear(heard).await;
        }
        let unanswered = |task| {
            (
                task,
                Verdict::Silent {
                    message: "no answer".to_owned(),
                },
            )
        };
        self.hear(open.into_iter().flatten().map(unanswered).collect())
            .await;
    }

    /// Commits what the provider said. First authorizations have a path of their own.
    async fn hear(&self, heard: Vec<Heard>) {
        let (mut firsts, mut answers, mut changes) = (Vec::new(), Vec::new(), Vec::new());
        for (task, verdict) in heard {
            count(&task, &verdict);
            match (first_answer(&task, &verdict), verdict) {
                (Some(answer), Verdict::Decided(decision)) => {
                    answers.push(answer);
                    firsts.push((task, decision));
                }
                (_, Verdict::Decided(decision)) => {
                    let id = task.id.clone();
                    changes.push((task, Change::Settle { id, decision }));
                }
                (_, Verdict::Silent { message }) => {
                    let (id, delay) = (task.id.clone(), task.wait());
                    changes.push((task, Change::Defer { id, delay, message }));
                }
            }
        }
        changes.extend(self.settle_firsts(firsts, answers).await);
        self.change(changes).await;
    }

    /// Commits answers to first authorizations; gives back those that the slow path must take.
    async fn settle_firsts(
        &self,
        firsts: Vec<(Task, Decision)>,
        answers: Vec<FirstAnswer>,
    ) -> Vec<(Task, Change)> {
        let replies = self.parts.outcomes.submit_all(answers).await;
        let mut resolved = Vec::with_capacity(firsts.len());
        let mut left_alone = Vec::new();
        for ((task, decision), reply) in firsts.into_iter().zip(replies) {
            match reply {
                Ok(FirstAnswerReply::Stored(outcome)) => resolved.push((task.id, outcome)),
                Ok(FirstAnswerReply::LeftAlone) => {
                    let id = task.id.clone();
                    left_alone.push((task, Change::Settle { id, decision }));
                }
                Err(error) => self.postpone(task, &error.to_string()),
            }
        }
        self.registry.resolve(resolved);
        left_alone
    }

    async fn change(&self, changes: Vec<(Task, Change)>) {
        if changes.is_empty() {
            return;
        }
        let (tasks, changes): (Vec<Task>, Vec<Change>) = changes.into_iter().unzip();
        let deferred: Vec<bool> = changes
            .iter()
            .map(|change| matches!(change, Change::Defer { .. }))
            .collect();
        let replies = self.parts.changes.submit_all(changes).await;
        for ((task, is_deferred), reply) in tasks.into_iter().zip(deferred).zip(replies) {
            match reply {
                Ok(changed) => {
                    let is_resolved = changed.resolved.iter().any(|(id, _)| *id == task.id);
                    if is_deferred && !is_resolved {
                        self.postpone(task, "no answer");
                    }
                    self.registry.resolve(changed.resolved);
                    self.start(changed.in_flight, changed.time);
                }
                Err(error) => self.postpone(task, &error.to_string()),
            }
        }
    }

    /// Takes up what was found in flight and is not being driven yet.
    pub(super) fn start(&self, in_flight: Vec<InFlight>, now: DateTime<Utc>) {
        self.start_with(in_flight, None, now);
    }

    /// Takes up what was found in flight, with somebody who waits for it.
    pub(super) fn start_with(
        &self,
        in_flight: Vec<InFlight>,
        waiter: Option<Waiter>,
        now: DateTime<Utc>,
    ) {
        if in_flight.is_empty() {
            return;
        }
        let wanted = in_flight.iter().map(|one| (one.id.clone(), waiter.clone()));
        let claims = self.registry.claim(wanted);
        let tasks: Vec<Task> = in_flight
            .into_iter()
            .zip(claims)
            .filter(|(_, claim)| *claim == Claim::Mine)
            .map(|(one, _)| Task::of_stored(one, now))
            .collect();
        if !tasks.is_empty() {
            self.send(Errand::Now(tasks));
        }
    }

    /// Puts a task back, to be asked for again after its wait. It stays claimed.
    fn postpone(&self, mut task: Task, cause: &str) {
        let due = Instant::now() + task.wait();
        task.attempts = task.attempts.saturating_add(1);
        if task.attempts == ATTEMPTS_BEFORE_ALERT {
            tracing::error!(
                payment.id = %task.id.payment,
                method = task.id.method.name(),
                attempts = task.attempts,
                cause,
                "the provider has given no definite answer; it is asked again until it does"
            );
        }
        self.registry.defer([(&task.id, due)]);
        self.send(Errand::Later(due, Box::new(task)));
    }

    fn send(&self, errand: Errand) {
        if self.errands.send(errand).is_err() {
            tracing::debug!("the service is stopping; the database keeps what is in flight");
        }
    }
}

/// A first authorization's definite answer, as the fast path takes it.
fn first_answer(task: &Task, verdict: &Verdict) -> Option<FirstAnswer> {
    match (verdict, &task.call.action) {
        (Verdict::Decided(decision), Action::Authorize { auto_capture, .. }) if task.is_first => {
            Some(FirstAnswer {
                payment_id: task.id.payment,
                amount: task.call.amount.minor_units,
                auto_capture: *auto_capture,
                decision: decision.clone(),
            })
        }
        _ => None,
    }
}

fn count(task: &Task, verdict: &Verdict) {
    let outcome = match verdict {
        Verdict::Decided(Decision::Succeeded { .. }) => "succeeded",
        Verdict::Decided(Decision::Declined(_)) => "declined",
        Verdict::Silent { .. } => "silent",
    };
    let action = task.call.action.name();
    let labels = [("action", action), ("outcome", outcome)];
    metrics::counter!("holdfast_payment_provider_calls_total", &labels).increment(1);
}
