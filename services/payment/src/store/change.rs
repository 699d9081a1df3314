//! Everything about a payment but its first authorization's happy path: one transaction locks the
//! payments of a batch, lets the state machine decide on each, and writes back what changed.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use holdfast_kit::{
    id::PaymentId,
    refusal::{Reason, Refusal},
};
use saga_batch::Command;
use sqlx::{Connection, PgConnection};

use super::{
    load::{self, Keys},
    save::{self, Altered},
};
use crate::domain::{
    Authorization, Begun, Capture, Captures, Decision, InFlight, Method, Moved, OperationId,
    Outcome, Payment, Progress, Provider, Refund, State,
};

/// The batch command that changes payments.
#[derive(Debug)]
pub(crate) struct Changes {
    /// Which provider tombstones are at.
    pub(crate) provider: Provider,
    /// Whether that provider can capture one authorization in several parts.
    pub(crate) captures: Captures,
}

/// One change of one payment.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// A caller asks for an operation.
    Begin(Begin),
    /// The provider has answered.
    Settle {
        /// Which operation.
        id: OperationId,
        /// The answer.
        decision: Decision,
    },
    /// The provider was asked and not heard.
    Defer {
        /// Which operation.
        id: OperationId,
        /// How long until it is asked again.
        delay: Duration,
        /// The cause; for operators only.
        message: String,
    },
}

/// What a caller asks for.
#[derive(Clone, Debug)]
pub(crate) enum Begin {
    /// Another attempt to authorize, after a definite decline.
    Authorize(Arc<Authorization>),
    /// A capture.
    Capture(PaymentId, Capture),
    /// A void.
    Void(PaymentId),
    /// A refund.
    Refund(PaymentId, Refund),
    /// A reversal.
    Reverse(PaymentId),
}

impl Begin {
    /// Gives the key of what is asked for.
    pub(crate) fn id(&self) -> OperationId {
        let (payment, method, request_id) = match self {
            Self::Authorize(ask) => (ask.payment_id, Method::Authorize, ask.request_id.clone()),
            Self::Capture(id, ask) => (*id, Method::Capture, ask.request_id.clone()),
            Self::Void(id) => (*id, Method::Void, String::new()),
            Self::Refund(id, ask) => (*id, Method::Refund, ask.request_id.clone()),
            Self::Reverse(id) => (*id, Method::Reverse, String::new()),
        };
        OperationId {
            payment,
            method,
            request_id,
        }
    }
}

impl Change {
    fn payment_id(&self) -> PaymentId {
        match self {
            Self::Begin(begin) => begin.id().payment,
            Self::Settle { id, .. } | Self::Defer { id, .. } => id.payment,
        }
    }
}

/// What came of a change.
#[derive(Debug)]
pub(crate) struct Changed {
    /// What the caller is told; none where no caller asked.
    pub(crate) begun: Option<Begun>,
    /// What waits for the provider now, of this payment.
    pub(crate) in_flight: Vec<InFlight>,
    /// What has its answer by this change, and the answers.
    pub(crate) resolved: Vec<(OperationId, Outcome)>,
    /// When it was decided, by the database's clock.
    pub(crate) time: DateTime<Utc>,
}

impl Command for Changes {
    type Item = Change;
    type Reply = Changed;

    const NAME: &'static str = "payment_changes";

    async fn execute(
        &self,
        connection: &mut PgConnection,
        items: &[Change],
    ) -> Result<Vec<Changed>, sqlx::Error> {
        let keys = Keys::of(items.iter().map(Change::payment_id));
        let mut transaction = connection.begin().await?;
        let mut tombstones = self.store_tombstones(&mut transaction, items).await?;
        let loaded = load::locked(&mut transaction, &keys).await?;
        let mut altered: HashMap<PaymentId, Altered> = loaded
            .payments
            .into_iter()
            .map(|(id, payment)| {
                (
                    id,
                    Altered {
                        before: payment.clone(),
                        after: payment,
                    },
                )
            })
            .collect();
        let mut replies = Vec::with_capacity(items.len());
        for item in items {
            let mut changed = match altered.get_mut(&item.payment_id()) {
                Some(altered) => self.apply(item, &mut altered.after, loaded.time),
                None => not_found(item, loaded.time),
            };
            // The first to ask for a tombstone's reversal made it.
            if tombstones.remove(&item.payment_id()) {
                let outcome = Outcome::Done(Moved::nothing(State::Tombstoned));
                changed.begun = Some(Begun::Settled {
                    replayed: false,
                    outcome,
                });
            }
            replies.push(changed);
        }
        let altered: Vec<Altered> = altered.into_values().collect();
        save::payments(&mut transaction, &altered).await?;
        transaction.commit().await?;
        Ok(replies)
    }
}

impl Changes {
    /// Makes a tombstone of every payment whose reversal is asked for and that was never seen.
    async fn store_tombstones(
        &self,
        connection: &mut PgConnection,
        items: &[Change],
    ) -> Result<HashSet<PaymentId>, sqlx::Error> {
        let reversed = items.iter().filter_map(|item| match item {
            Change::Begin(Begin::Reverse(id)) => Some(*id),
            Change::Begin(_) | Change::Settle { .. } | Change::Defer { .. } => None,
        });
        let keys = Keys::of(reversed);
        if keys.ids.is_empty() {
            return Ok(HashSet::new());
        }
        let stored = sqlx::query_file_scalar!(
            "src/store/tombstones.sql",
            self.provider.number(),
            &keys.shards,
            &keys.ids,
        )
        .fetch_all(connection)
        .await?;
        Ok(stored.into_iter().map(PaymentId::from_uuid).collect())
    }

    fn apply(&self, change: &Change, payment: &mut Payment, now: DateTime<Utc>) -> Changed {
        let mut resolved = Vec::new();
        let begun = match change {
            Change::Begin(begin) => Some(match begin {
                Begin::Authorize(ask) => payment.authorize(ask, now),
                Begin::Capture(_, ask) => payment.capture(ask, self.captures, now),
                Begin::Void(_) => payment.void(now),
                Begin::Refund(_, ask) => payment.refund(ask, now),
                Begin::Reverse(_) => payment.reverse(now),
            }),
            Change::Settle { id, decision } => {
                payment.settle((id.method, &id.request_id), decision, self.captures, now);
                resolved = resolved_by(payment, id);
                None
            }
            Change::Defer { id, delay, message } => {
                let delay = TimeDelta::from_std(*delay).unwrap_or(TimeDelta::MAX);
                let next_time = now.checked_add_signed(delay).unwrap_or(now);
                payment.defer((id.method, &id.request_id), message, next_time, now);
                resolved = resolved_by(payment, id);
                None
            }
        };
        Changed {
            begun,
            in_flight: payment.in_flight(),
            resolved,
            time: now,
        }
    }
}

/// The operation, if it has its answer, and the reversal, if it is done: it may have waited for it.
fn resolved_by(payment: &Payment, id: &OperationId) -> Vec<(OperationId, Outcome)> {
    let mut resolved = Vec::with_capacity(2);
    if let Some(outcome) = payment.outcome(id.method, &id.request_id) {
        resolved.push((id.clone(), outcome));
    }
    if payment.reversal == Some(Progress::Done)
        && let Some(outcome) = payment.outcome(Method::Reverse, "")
    {
        let method = Method::Reverse;
        resolved.push((
            OperationId {
                method,
                request_id: String::new(),
                ..id.clone()
            },
            outcome,
        ));
    }
    resolved
}

fn not_found(change: &Change, now: DateTime<Utc>) -> Changed {
    let begun = matches!(change, Change::Begin(_)).then(|| Begun::Settled {
        replayed: false,
        outcome: Outcome::Refused(Refusal::new(Reason::PaymentNotFound, "no such payment")),
    });
    Changed {
        begun,
        in_flight: Vec::new(),
        resolved: Vec::new(),
        time: now,
    }
}
