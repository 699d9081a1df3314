//! Rows as the database has them, and the payments that they stand for. A row that the domain has
//! no value for is an error of this row, never a guess.

use chrono::{DateTime, Utc};
use holdfast_kit::{id::PaymentId, refusal::Refusal};
use serde_json::Value;
use uuid::Uuid;

use crate::domain::{Amounts, Method, Operation, Payment, Progress, ProviderKey, State, Terms};

/// A row of payments.
pub(super) struct PaymentRow {
    pub(super) shard: i16,
    pub(super) payment_id: Uuid,
    pub(super) state: i16,
    pub(super) currency_code: Option<String>,
    pub(super) requested_minor_units: i64,
    pub(super) authorized_minor_units: i64,
    pub(super) captured_minor_units: i64,
    pub(super) refunded_minor_units: i64,
    pub(super) voided_minor_units: i64,
    pub(super) customer_id: Option<String>,
    pub(super) payment_method: Option<String>,
    pub(super) auto_capture: Option<bool>,
    pub(super) provider_reference: Option<String>,
    pub(super) version: i64,
    pub(super) create_time: DateTime<Utc>,
    pub(super) update_time: DateTime<Utc>,
    pub(super) intent_state: Option<i16>,
    pub(super) intent_request_id: Option<String>,
    pub(super) intent_key: Option<String>,
    pub(super) intent_refusal: Option<Value>,
    pub(super) intent_attempts: i32,
    pub(super) intent_next_time: Option<DateTime<Utc>>,
    pub(super) intent_done_time: Option<DateTime<Utc>>,
    pub(super) intent_message: Option<String>,
    pub(super) reverse_state: Option<i16>,
}

/// A row of operations, or of none, with the time at which it was read.
pub(super) struct OperationRow {
    pub(super) read_time: DateTime<Utc>,
    pub(super) payment_id: Option<Uuid>,
    pub(super) method: Option<i16>,
    pub(super) request_id: Option<String>,
    pub(super) state: Option<i16>,
    pub(super) amount_minor_units: Option<i64>,
    pub(super) requested_minor_units: Option<i64>,
    pub(super) payment_method: Option<String>,
    pub(super) auto_capture: Option<bool>,
    pub(super) refusal: Option<Value>,
    pub(super) provider_key: Option<String>,
    pub(super) provider_reference: Option<String>,
    pub(super) provider_message: Option<String>,
    pub(super) attempts: Option<i32>,
    pub(super) next_time: Option<DateTime<Utc>>,
    pub(super) create_time: Option<DateTime<Utc>>,
    pub(super) update_time: Option<DateTime<Utc>>,
}

/// A row holds what this build has no value for.
#[derive(Debug, thiserror::Error)]
#[error("the column {0} holds what this build does not know")]
struct Undecodable(&'static str);

fn undecodable(column: &'static str) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(Undecodable(column)))
}

fn refusal(column: &'static str, value: Option<Value>) -> Result<Option<Refusal>, sqlx::Error> {
    value
        .map(serde_json::from_value)
        .transpose()
        .map_err(|_| undecodable(column))
}

impl PaymentRow {
    /// Gives the payment with its first authorization as its only operation.
    pub(super) fn into_payment(self) -> Result<Payment, sqlx::Error> {
        debug_assert_eq!(
            PaymentId::from_uuid(self.payment_id).shard().get(),
            self.shard
        );
        let state = State::from_number(self.state).ok_or_else(|| undecodable("state"))?;
        let reversal = self
            .reverse_state
            .map(|number| Progress::from_number(number).ok_or_else(|| undecodable("reverse_state")))
            .transpose()?;
        let currency = self
            .currency_code
            .as_deref()
            .map(str::parse)
            .transpose()
            .map_err(|_| undecodable("currency_code"))?;
        let mut payment = Payment {
            id: PaymentId::from_uuid(self.payment_id),
            state,
            currency,
            customer_id: String::new(),
            amounts: Amounts {
                authorized: self.authorized_minor_units,
                captured: self.captured_minor_units,
                refunded: self.refunded_minor_units,
                voided: self.voided_minor_units,
            },
            provider_reference: self.provider_reference.clone(),
            reversal,
            version: self.version,
            create_time: self.create_time,
            update_time: self.update_time,
            operations: Vec::new(),
        };
        if state != State::Tombstoned {
            payment.customer_id = self
                .customer_id
                .clone()
                .ok_or_else(|| undecodable("customer_id"))?;
            payment.operations.push(self.into_first()?);
        }
        Ok(payment)
    }

    fn into_first(self) -> Result<Operation, sqlx::Error> {
        let progress = self
            .intent_state
            .and_then(Progress::from_number)
            .ok_or_else(|| undecodable("intent_state"))?;
        let refusal = refusal("intent_refusal", self.intent_refusal)?;
        let terms = self
            .payment_method
            .zip(self.auto_capture)
            .map(|(payment_method, auto_capture)| Terms {
                payment_method,
                auto_capture,
            })
            .ok_or_else(|| undecodable("payment_method"))?;
        let is_successful = progress == Progress::Done && refusal.is_none();
        let update_time = match progress {
            Progress::InFlight => self.update_time,
            Progress::Done => self.intent_done_time.unwrap_or(self.update_time),
        };
        Ok(Operation {
            method: Method::Authorize,
            request_id: self.intent_request_id.unwrap_or_default(),
            progress,
            amount: self.requested_minor_units,
            requested: None,
            terms: Some(terms),
            refusal,
            provider_key: self.intent_key.map(ProviderKey::from_stored),
            provider_reference: self.provider_reference.filter(|_| is_successful),
            provider_message: self.intent_message,
            attempts: self.intent_attempts,
            next_time: self.intent_next_time,
            create_time: self.create_time,
            update_time,
        })
    }
}

impl OperationRow {
    /// Gives the operation and its payment; none for the row that only tells the time.
    pub(super) fn into_operation(self) -> Result<Option<(PaymentId, Operation)>, sqlx::Error> {
        let Some(payment_id) = self.payment_id else {
            return Ok(None);
        };
        let terms =
            self.payment_method
                .zip(self.auto_capture)
                .map(|(payment_method, auto_capture)| Terms {
                    payment_method,
                    auto_capture,
                });
        let operation = Operation {
            method: self
                .method
                .and_then(Method::from_number)
                .ok_or_else(|| undecodable("method"))?,
            request_id: self.request_id.ok_or_else(|| undecodable("request_id"))?,
            progress: self
                .state
                .and_then(Progress::from_number)
                .ok_or_else(|| undecodable("state"))?,
            amount: self
                .amount_minor_units
                .ok_or_else(|| undecodable("amount_minor_units"))?,
            requested: self.requested_minor_units,
            terms,
            refusal: refusal("refusal", self.refusal)?,
            provider_key: self.provider_key.map(ProviderKey::from_stored),
            provider_reference: self.provider_reference,
            provider_message: self.provider_message,
            attempts: self.attempts.unwrap_or(0),
            next_time: self.next_time,
            create_time: self.create_time.ok_or_else(|| undecodable("create_time"))?,
            update_time: self.update_time.ok_or_else(|| undecodable("update_time"))?,
        };
        Ok(Some((PaymentId::from_uuid(payment_id), operation)))
    }
}
