//! Finding what nobody drives any more: intents of a process that stopped, and operations whose
//! next time is long past. The tables themselves are the queue; nothing else has to survive.

use std::time::Duration;

use chrono::{DateTime, Utc};
use holdfast_kit::id::PaymentId;
use sqlx::PgPool;

use super::load::{self, Keys};
use crate::domain::InFlight;

/// An intent is taken for left behind after this long without a word about it. Longer than a
/// statement may run, so that no insert can commit behind the search.
const LEFT_BEHIND_AFTER: Duration = Duration::from_secs(15);

/// An operation is nobody's when its next time is past for so long; longer than the longest wait
/// between two attempts of a process that lives.
const OVERDUE_AFTER: Duration = Duration::from_secs(10);

/// Payments that one search takes up, of each kind.
const DUE_MAX: i64 = 4_096;

/// Gives intents that a stopped process left behind a time to be asked again; says how many.
///
/// # Errors
/// Whatever the database says.
pub(crate) async fn adopt(pool: &PgPool) -> Result<i64, sqlx::Error> {
    let adopted = sqlx::query_file_scalar!("src/store/adopt.sql", LEFT_BEHIND_AFTER.as_secs_f64())
        .fetch_optional(pool)
        .await?;
    Ok(adopted.unwrap_or(0))
}

/// Finds the operations that wait for the provider and are asked by nobody, and the time by the
/// database's clock.
///
/// # Errors
/// Whatever the database says.
pub(crate) async fn due(pool: &PgPool) -> Result<(Vec<InFlight>, DateTime<Utc>), sqlx::Error> {
    let mut connection = pool.acquire().await?;
    let keys = sqlx::query_file!("src/store/due.sql", OVERDUE_AFTER.as_secs_f64(), DUE_MAX)
        .fetch_all(&mut *connection)
        .await?;
    let keys = Keys::of(
        keys.into_iter()
            .map(|row| PaymentId::from_uuid(row.payment_id)),
    );
    if keys.ids.is_empty() {
        return Ok((Vec::new(), DateTime::<Utc>::MIN_UTC));
    }
    let loaded = load::payments(&mut connection, &keys).await?;
    let in_flight = loaded
        .payments
        .values()
        .flat_map(|payment| payment.in_flight())
        .collect();
    Ok((in_flight, loaded.time))
}
