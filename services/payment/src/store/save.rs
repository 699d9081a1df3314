//! Writes back what a transaction changed in the payments that it locked: their rows and those of
//! their operations that differ, each set in one statement.

use chrono::{DateTime, Utc};
use holdfast_kit::refusal::Refusal;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::{Operation, Payment, Progress, ProviderKey};

/// A payment before and after a transaction changed it.
pub(super) struct Altered {
    pub(super) before: Payment,
    pub(super) after: Payment,
}

/// Gives a refusal as its column holds it.
pub(super) fn json(refusal: &Refusal) -> String {
    serde_json::to_string(refusal).expect("a refusal is made of text, numbers and lists of them")
}

/// Writes payments back; those that did not change cost nothing.
pub(super) async fn payments(
    connection: &mut PgConnection,
    altered: &[Altered],
) -> Result<(), sqlx::Error> {
    let mut payments = PaymentColumns::default();
    let mut operations = OperationColumns::default();
    for Altered { before, after } in altered {
        let Some(first) = after.operations.first().filter(|_| before != after) else {
            continue;
        };
        payments.push(after, first);
        for (place, operation) in after.operations.iter().enumerate().skip(1) {
            if before.operations.get(place) != Some(operation) {
                operations.push(after, operation);
            }
        }
    }
    payments.write(connection).await?;
    operations.write(connection).await
}

#[derive(Default)]
struct PaymentColumns<'a> {
    shards: Vec<i16>,
    ids: Vec<Uuid>,
    states: Vec<i16>,
    authorized: Vec<i64>,
    captured: Vec<i64>,
    refunded: Vec<i64>,
    voided: Vec<i64>,
    references: Vec<Option<&'a str>>,
    versions: Vec<i64>,
    update_times: Vec<DateTime<Utc>>,
    intent_states: Vec<i16>,
    refusals: Vec<Option<String>>,
    attempts: Vec<i32>,
    next_times: Vec<Option<DateTime<Utc>>>,
    done_times: Vec<Option<DateTime<Utc>>>,
    messages: Vec<Option<&'a str>>,
    reverse_states: Vec<Option<i16>>,
}

impl<'a> PaymentColumns<'a> {
    fn push(&mut self, payment: &'a Payment, first: &'a Operation) {
        let is_done = first.progress == Progress::Done;
        self.shards.push(payment.id.shard().get());
        self.ids.push(payment.id.as_uuid());
        self.states.push(payment.state.number());
        self.authorized.push(payment.amounts.authorized);
        self.captured.push(payment.amounts.captured);
        self.refunded.push(payment.amounts.refunded);
        self.voided.push(payment.amounts.voided);
        self.references.push(payment.provider_reference.as_deref());
        self.versions.push(payment.version);
        self.update_times.push(payment.update_time);
        self.intent_states.push(first.progress.number());
        self.refusals.push(first.refusal.as_ref().map(json));
        self.attempts.push(first.attempts);
        self.next_times.push(first.next_time);
        self.done_times.push(is_done.then_some(first.update_time));
        self.messages.push(first.provider_message.as_deref());
        self.reverse_states
            .push(payment.reversal.map(Progress::number));
    }

    async fn write(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        if self.ids.is_empty() {
            return Ok(());
        }
        sqlx::query_file!(
            "src/store/save_payments.sql",
            &self.shards,
            &self.ids,
            &self.states,
            &self.authorized,
            &self.captured,
            &self.refunded,
            &self.voided,
            &self.references as _,
            &self.versions,
            &self.update_times,
            &self.intent_states,
            &self.refusals as _,
            &self.attempts,
            &self.next_times as _,
            &self.done_times as _,
            &self.messages as _,
            &self.reverse_states as _,
        )
        .execute(connection)
        .await
        .map(drop)
    }
}

#[derive(Default)]
struct OperationColumns<'a> {
    shards: Vec<i16>,
    ids: Vec<Uuid>,
    methods: Vec<i16>,
    request_ids: Vec<&'a str>,
    states: Vec<i16>,
    amounts: Vec<i64>,
    requested: Vec<Option<i64>>,
    payment_methods: Vec<Option<&'a str>>,
    auto_captures: Vec<Option<bool>>,
    refusals: Vec<Option<String>>,
    keys: Vec<Option<&'a str>>,
    references: Vec<Option<&'a str>>,
    messages: Vec<Option<&'a str>>,
    attempts: Vec<i32>,
    next_times: Vec<Option<DateTime<Utc>>>,
    create_times: Vec<DateTime<Utc>>,
    update_times: Vec<DateTime<Utc>>,
}

impl<'a> OperationColumns<'a> {
    fn push(&mut self, payment: &Payment, operation: &'a Operation) {
        let terms = operation.terms.as_ref();
        self.shards.push(payment.id.shard().get());
        self.ids.push(payment.id.as_uuid());
        self.methods.push(operation.method.number());
        self.request_ids.push(&operation.request_id);
        self.states.push(operation.progress.number());
        self.amounts.push(operation.amount);
        self.requested.push(operation.requested);
        self.payment_methods
            .push(terms.map(|it| it.payment_method.as_str()));
        self.auto_captures.push(terms.map(|it| it.auto_capture));
        self.refusals.push(operation.refusal.as_ref().map(json));
        self.keys
            .push(operation.provider_key.as_ref().map(ProviderKey::as_str));
        self.references
            .push(operation.provider_reference.as_deref());
        self.messages.push(operation.provider_message.as_deref());
        self.attempts.push(operation.attempts);
        self.next_times.push(operation.next_time);
        self.create_times.push(operation.create_time);
        self.update_times.push(operation.update_time);
    }

    async fn write(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        if self.ids.is_empty() {
            return Ok(());
        }
        sqlx::query_file!(
            "src/store/save_operations.sql",
            &self.shards,
            &self.ids,
            &self.methods,
            &self.request_ids as _,
            &self.states,
            &self.amounts,
            &self.requested as _,
            &self.payment_methods as _,
            &self.auto_captures as _,
            &self.refusals as _,
            &self.keys as _,
            &self.references as _,
            &self.messages as _,
            &self.attempts,
            &self.next_times as _,
            &self.create_times,
            &self.update_times,
        )
        .execute(connection)
        .await
        .map(drop)
    }
}
