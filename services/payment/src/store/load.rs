//! Payments by their ids, whole or with their first operation alone. Whoever means to change them
//! locks them here, in (shard, payment_id) order, and reads their operations after that.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use holdfast_kit::id::PaymentId;
use sqlx::PgConnection;
use uuid::Uuid;

use super::row::{OperationRow, PaymentRow};
use crate::domain::Payment;

/// Payments by their ids, and the time at which their operations were read.
pub(super) struct Loaded {
    pub(super) payments: HashMap<PaymentId, Payment>,
    pub(super) time: DateTime<Utc>,
}

/// The two key columns of some payments, in the order in which payments are locked.
pub(super) struct Keys {
    pub(super) shards: Vec<i16>,
    pub(super) ids: Vec<Uuid>,
}

impl Keys {
    pub(super) fn of(ids: impl IntoIterator<Item = PaymentId>) -> Self {
        let mut keys: Vec<(i16, Uuid)> = ids
            .into_iter()
            .map(|id| (id.shard().get(), id.as_uuid()))
            .collect();
        keys.sort_unstable();
        keys.dedup();
        let (shards, ids) = keys.into_iter().unzip();
        Self { shards, ids }
    }
}

/// Reads payments with their first operation alone; one whose row cannot be decoded is told apart,
/// and is nobody else's trouble.
pub(super) async fn first_operations(
    connection: &mut PgConnection,
    keys: &Keys,
) -> Result<HashMap<PaymentId, Result<Payment, Undecodable>>, sqlx::Error> {
    let payment = |row: PaymentRow| {
        let id = PaymentId::from_uuid(row.payment_id);
        let payment = row.into_payment().map_err(|error| {
            tracing::error!(payment.id = %id, %error, "row not decoded");
            Undecodable
        });
        (id, payment)
    };
    let rows = rows(connection, keys).await?;
    Ok(rows.into_iter().map(payment).collect())
}

/// A row that says what no payment can be: a defect.
#[derive(Clone, Copy, Debug)]
pub(super) struct Undecodable;

async fn rows(connection: &mut PgConnection, keys: &Keys) -> Result<Vec<PaymentRow>, sqlx::Error> {
    sqlx::query_file_as!(PaymentRow, "src/store/read.sql", &keys.shards, &keys.ids)
        .fetch_all(connection)
        .await
}

/// Reads payments whole.
pub(super) async fn payments(
    connection: &mut PgConnection,
    keys: &Keys,
) -> Result<Loaded, sqlx::Error> {
    let rows = rows(connection, keys).await?;
    with_operations(connection, keys, by_id(rows)?).await
}

/// Locks payments until the transaction ends, and reads them whole.
pub(super) async fn locked(
    connection: &mut PgConnection,
    keys: &Keys,
) -> Result<Loaded, sqlx::Error> {
    let rows = sqlx::query_file_as!(PaymentRow, "src/store/lock.sql", &keys.shards, &keys.ids)
        .fetch_all(&mut *connection)
        .await?;
    with_operations(connection, keys, by_id(rows)?).await
}

fn by_id(rows: Vec<PaymentRow>) -> Result<HashMap<PaymentId, Payment>, sqlx::Error> {
    rows.into_iter()
        .map(|row| row.into_payment().map(|payment| (payment.id, payment)))
        .collect()
}

async fn with_operations(
    connection: &mut PgConnection,
    keys: &Keys,
    mut payments: HashMap<PaymentId, Payment>,
) -> Result<Loaded, sqlx::Error> {
    let rows = sqlx::query_file_as!(
        OperationRow,
        "src/store/operations.sql",
        &keys.shards,
        &keys.ids
    )
    .fetch_all(connection)
    .await?;
    let mut time = DateTime::<Utc>::MIN_UTC;
    for row in rows {
        time = row.read_time;
        if let Some((id, operation)) = row.into_operation()?
            && let Some(payment) = payments.get_mut(&id)
        {
            payment.operations.push(operation);
        }
    }
    Ok(Loaded { payments, time })
}
