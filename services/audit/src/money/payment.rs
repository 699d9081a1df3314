//! A payment, its operations, and the provider's entries of it, as their rows have them.
//! The first authorization stands in the payment's own row; here it is the first operation.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use serde::Deserialize;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::finding::{Row, Source, optional};

/// The last bits of an id that hold its shard.
const SHARD_MASK: u16 = (1 << 10) - 1;

/// Gives the shard that an id carries, as its column holds it.
pub(crate) fn shard_of(id: Uuid) -> i16 {
    let bytes = id.as_bytes();
    (u16::from_be_bytes([bytes[14], bytes[15]]) & SHARD_MASK).cast_signed()
}

/// `operations.method`: a further authorization, or the first.
pub(crate) const AUTHORIZE: i16 = 1;
pub(crate) const CAPTURE: i16 = 2;
pub(crate) const VOID: i16 = 3;
pub(crate) const REFUND: i16 = 4;
pub(crate) const REVERSE: i16 = 5;

/// `operations.state` and `payments.intent_state`.
pub(crate) const IN_FLIGHT: i16 = 2;

/// One thing done, or tried, with a payment.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Operation {
    pub(crate) method: i16,
    pub(crate) request_id: String,
    pub(crate) state: i16,
    pub(crate) amount: i64,
    pub(crate) auto_capture: Option<bool>,
    pub(crate) refused: bool,
    pub(crate) provider_key: Option<String>,
    pub(crate) provider_reference: Option<String>,
    pub(crate) create_time: DateTime<Utc>,
}

impl Operation {
    pub(crate) fn is_successful(&self) -> bool {
        self.state != IN_FLIGHT && !self.refused
    }
}

/// A payment with everything that was done with it.
#[derive(Clone, Debug)]
pub(crate) struct Payment {
    pub(crate) shard: i16,
    pub(crate) payment_id: Uuid,
    pub(crate) state: i16,
    pub(crate) currency_code: Option<String>,
    pub(crate) authorized: i64,
    pub(crate) captured: i64,
    pub(crate) refunded: i64,
    pub(crate) voided: i64,
    pub(crate) provider: i16,
    pub(crate) provider_reference: Option<String>,
    pub(crate) version: i64,
    pub(crate) reverse_state: Option<i16>,
    /// Whether the first authorization, which stands in the payment's row, is there.
    pub(crate) has_intent: bool,
    /// The first authorization first.
    pub(crate) operations: Vec<Operation>,
}

impl Payment {
    /// How many operations have rows of their own.
    pub(crate) fn further(&self) -> usize {
        self.operations.len() - usize::from(self.has_intent)
    }

    /// The authorizations that the provider has agreed to.
    pub(crate) fn authorizations(&self) -> impl Iterator<Item = &Operation> {
        self.operations
            .iter()
            .filter(|it| it.method == AUTHORIZE && it.is_successful())
    }
}

#[derive(sqlx::FromRow)]
struct Stored {
    shard: i16,
    payment_id: Uuid,
    state: i16,
    currency_code: Option<String>,
    requested_minor_units: i64,
    authorized_minor_units: i64,
    captured_minor_units: i64,
    refunded_minor_units: i64,
    voided_minor_units: i64,
    auto_capture: Option<bool>,
    provider: i16,
    provider_reference: Option<String>,
    version: i64,
    create_time: DateTime<Utc>,
    intent_state: Option<i16>,
    intent_request_id: Option<String>,
    intent_key: Option<String>,
    intent_refused: bool,
    reverse_state: Option<i16>,
    operations: Option<Json<Vec<Operation>>>,
}

impl From<Stored> for Payment {
    fn from(row: Stored) -> Self {
        let intent = row.intent_state.map(|state| Operation {
            method: AUTHORIZE,
            request_id: row.intent_request_id.unwrap_or_default(),
            state,
            amount: row.requested_minor_units,
            auto_capture: row.auto_capture,
            refused: row.intent_refused,
            provider_key: row.intent_key,
            provider_reference: row.provider_reference.clone(),
            create_time: row.create_time,
        });
        let has_intent = intent.is_some();
        let further = row
            .operations
            .map(|Json(operations)| operations)
            .unwrap_or_default();
        Self {
            shard: row.shard,
            payment_id: row.payment_id,
            state: row.state,
            currency_code: row.currency_code,
            authorized: row.authorized_minor_units,
            captured: row.captured_minor_units,
            refunded: row.refunded_minor_units,
            voided: row.voided_minor_units,
            provider: row.provider,
            provider_reference: row.provider_reference,
            version: row.version,
            reverse_state: row.reverse_state,
            has_intent,
            operations: intent.into_iter().chain(further).collect(),
        }
    }
}

/// Reads payments by their keys, each with its operations in one snapshot.
pub(crate) async fn load(
    connection: &mut PgConnection,
    keys: &[(i16, Uuid)],
) -> Result<Vec<Payment>, sqlx::Error> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let (shards, ids): (Vec<i16>, Vec<Uuid>) = keys.iter().copied().unzip();
    let rows: Vec<Stored> = sqlx::query_as(include_str!("load.sql"))
        .bind(shards)
        .bind(ids)
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(Payment::from).collect())
}

/// Gives those ids that are payments.
pub(super) async fn known(
    connection: &mut PgConnection,
    ids: &[Uuid],
) -> Result<HashSet<Uuid>, sqlx::Error> {
    let shards: Vec<i16> = ids.iter().map(|id| shard_of(*id)).collect();
    let known: Vec<Uuid> = sqlx::query_scalar(
        "-- audit: which are payments
        select p.payment_id
        from unnest($1::smallint[], $2::uuid[]) as i (shard, payment_id)
        join payments p on p.shard = i.shard and p.payment_id = i.payment_id",
    )
    .bind(shards)
    .bind(ids)
    .fetch_all(connection)
    .await?;
    Ok(known.into_iter().collect())
}

/// What the provider has decided under one key.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Entry {
    pub(crate) provider_key: String,
    pub(crate) provider_id: Uuid,
    pub(crate) payment_reference: Uuid,
    pub(crate) kind: i16,
    pub(crate) outcome: i16,
    pub(crate) amount_minor_units: i64,
    pub(crate) currency_code: String,
    pub(crate) create_time: DateTime<Utc>,
}

impl Entry {
    pub(crate) fn is_successful(&self) -> bool {
        self.outcome == 1
    }

    /// The row that shows it.
    pub(crate) fn row(&self) -> Row {
        let columns = [
            ("provider_key", self.provider_key.clone()),
            ("provider_id", self.provider_id.to_string()),
            ("payment_reference", self.payment_reference.to_string()),
            ("kind", self.kind.to_string()),
            ("outcome", self.outcome.to_string()),
            ("amount_minor_units", self.amount_minor_units.to_string()),
            ("currency_code", self.currency_code.clone()),
            ("create_time", self.create_time.to_rfc3339()),
        ];
        Row::new(Source::Provider, "ledger", columns)
    }
}

/// Reads what the ledger has of payments.
pub(crate) async fn entries_of(
    connection: &mut PgConnection,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Vec<Entry>>, sqlx::Error> {
    let mut entries: HashMap<Uuid, Vec<Entry>> = HashMap::with_capacity(ids.len());
    if ids.is_empty() {
        return Ok(entries);
    }
    let rows: Vec<Entry> = sqlx::query_as(
        "-- audit: entries of payments
        select
            l.provider_key, l.provider_id, l.payment_reference, l.kind, l.outcome,
            l.amount_minor_units, l.currency_code, l.create_time
        from unnest($1::uuid[]) as i (payment_reference)
        join ledger l on l.payment_reference = i.payment_reference",
    )
    .bind(ids)
    .fetch_all(connection)
    .await?;
    for entry in rows {
        entries
            .entry(entry.payment_reference)
            .or_default()
            .push(entry);
    }
    Ok(entries)
}

/// Gives the last payment that the ledger has entries of.
pub(super) async fn last_reference(
    connection: &mut PgConnection,
) -> Result<Option<Uuid>, sqlx::Error> {
    sqlx::query_scalar(
        "-- audit: the last payment of the ledger
        select l.payment_reference
        from ledger l
        order by l.payment_reference desc
        limit 1",
    )
    .fetch_optional(connection)
    .await
}

/// The row that shows a payment.
pub(crate) fn row_of(payment: &Payment) -> Row {
    let intent = payment.operations.first().filter(|_| payment.has_intent);
    let columns = [
        ("shard", payment.shard.to_string()),
        ("payment_id", payment.payment_id.to_string()),
        ("state", payment.state.to_string()),
        ("version", payment.version.to_string()),
        ("currency_code", optional(payment.currency_code.as_deref())),
        (
            "requested_minor_units",
            optional(intent.map(|it| it.amount)),
        ),
        ("authorized_minor_units", payment.authorized.to_string()),
        ("captured_minor_units", payment.captured.to_string()),
        ("refunded_minor_units", payment.refunded.to_string()),
        ("voided_minor_units", payment.voided.to_string()),
        ("intent_state", optional(intent.map(|it| it.state))),
        (
            "intent_key",
            optional(intent.and_then(|it| it.provider_key.as_deref())),
        ),
        (
            "provider_reference",
            optional(payment.provider_reference.as_deref()),
        ),
        ("reverse_state", optional(payment.reverse_state)),
    ];
    Row::new(Source::Payment, "payments", columns)
}

/// The row that shows an operation with a row of its own.
pub(super) fn operation_row(payment: &Payment, operation: &Operation) -> Row {
    let columns = [
        ("shard", payment.shard.to_string()),
        ("payment_id", payment.payment_id.to_string()),
        ("method", operation.method.to_string()),
        ("request_id", operation.request_id.clone()),
        ("state", operation.state.to_string()),
        ("amount_minor_units", operation.amount.to_string()),
        ("refused", operation.refused.to_string()),
        ("provider_key", optional(operation.provider_key.as_deref())),
        (
            "provider_reference",
            optional(operation.provider_reference.as_deref()),
        ),
    ];
    Row::new(Source::Payment, "operations", columns)
}
