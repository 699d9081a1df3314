//! The fast end of a payment: the provider's definite answer to a first authorization, many in one
//! statement. A payment that was reversed meanwhile is left to the slow path, which knows what
//! follows from the answer.

use std::collections::HashSet;

use holdfast_kit::{id::PaymentId, refusal::Refusal};
use saga_batch::Command;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::{Decision, Method, Moved, Outcome, State};

/// The batch command that stores answers to first authorizations.
#[derive(Debug)]
pub(crate) struct Outcomes;

/// The provider's answer to a payment's first authorization.
#[derive(Clone, Debug)]
pub(crate) struct FirstAnswer {
    /// The payment.
    pub(crate) payment_id: PaymentId,
    /// What was asked for, in minor units.
    pub(crate) amount: i64,
    /// Whether the money is taken at once.
    pub(crate) auto_capture: bool,
    /// The answer.
    pub(crate) decision: Decision,
}

/// What came of storing an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FirstAnswerReply {
    /// It is stored, and this is what callers are told.
    Stored(Outcome),
    /// The payment had its answer already, or was reversed meanwhile.
    LeftAlone,
}

impl Command for Outcomes {
    type Item = FirstAnswer;
    type Reply = FirstAnswerReply;

    const NAME: &'static str = "payment_outcomes";

    async fn execute(
        &self,
        connection: &mut PgConnection,
        items: &[FirstAnswer],
    ) -> Result<Vec<FirstAnswerReply>, sqlx::Error> {
        let mut seen = HashSet::with_capacity(items.len());
        let mut columns = Columns::default();
        for item in items {
            if seen.insert(item.payment_id) {
                columns.push(item);
            }
        }
        let stored = sqlx::query_file_scalar!(
            "src/store/outcomes.sql",
            &columns.shards,
            &columns.ids,
            &columns.states,
            &columns.authorized,
            &columns.captured,
            &columns.references as _,
            &columns.refusals as _,
            &columns.messages as _,
        )
        .fetch_all(connection)
        .await?;
        let mut stored: HashSet<Uuid> = stored.into_iter().collect();
        let reply = |item: &FirstAnswer| {
            if stored.remove(&item.payment_id.as_uuid()) {
                FirstAnswerReply::Stored(item.outcome())
            } else {
                FirstAnswerReply::LeftAlone
            }
        };
        Ok(items.iter().map(reply).collect())
    }
}

impl FirstAnswer {
    fn authorized(&self) -> i64 {
        match self.decision {
            Decision::Succeeded { .. } => self.amount,
            Decision::Declined(_) => 0,
        }
    }

    fn captured(&self) -> i64 {
        if self.auto_capture {
            self.authorized()
        } else {
            0
        }
    }

    fn state(&self) -> State {
        match self.decision {
            Decision::Declined(_) => State::Declined,
            Decision::Succeeded { .. } if self.auto_capture => State::Captured,
            Decision::Succeeded { .. } => State::Authorized,
        }
    }

    fn refusal(&self) -> Option<Refusal> {
        match &self.decision {
            Decision::Declined(decline) => Some(decline.refusal(Method::Authorize)),
            Decision::Succeeded { .. } => None,
        }
    }

    fn outcome(&self) -> Outcome {
        self.refusal().map_or_else(
            || {
                let nothing = Moved::nothing(self.state());
                Outcome::Done(Moved {
                    captured: self.captured(),
                    ..nothing
                })
            },
            Outcome::Refused,
        )
    }
}

/// One array per column.
#[derive(Default)]
struct Columns<'a> {
    shards: Vec<i16>,
    ids: Vec<Uuid>,
    states: Vec<i16>,
    authorized: Vec<i64>,
    captured: Vec<i64>,
    references: Vec<Option<&'a str>>,
    refusals: Vec<Option<String>>,
    messages: Vec<Option<&'a str>>,
}

impl<'a> Columns<'a> {
    fn push(&mut self, item: &'a FirstAnswer) {
        self.shards.push(item.payment_id.shard().get());
        self.ids.push(item.payment_id.as_uuid());
        self.states.push(item.state().number());
        self.authorized.push(item.authorized());
        self.captured.push(item.captured());
        self.refusals
            .push(item.refusal().as_ref().map(super::save::json));
        match &item.decision {
            Decision::Succeeded { reference } => {
                self.references.push(Some(reference));
                self.messages.push(None);
            }
            Decision::Declined(decline) => {
                self.references.push(None);
                self.messages.push(Some(&decline.message));
            }
        }
    }
}
