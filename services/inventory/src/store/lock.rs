//! Locks a batch's stock rows in key order and reads them and the clock. A row that somebody
//! outside has held for long is taken only if it is free, after all others are locked: nobody
//! waits while holding a row out of order.

use std::collections::HashSet;
use std::time::Instant;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::held::HeldRows;
use super::wanted::{Wanted, WantedColumns};
use crate::domain::names::{LocationId, Sku, StockKey};
use crate::domain::stock::Level;

/// Stock rows under lock.
#[derive(Debug)]
pub(super) struct LockedRows {
    /// The database's clock, after the last lock.
    pub(super) now: DateTime<Utc>,
    /// The rows, by their key.
    pub(super) levels: Vec<(StockKey, Level)>,
    /// Rows that are there and that somebody else holds.
    pub(super) contested: HashSet<StockKey>,
}

/// Whether a batch waits for rows that others hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waiting {
    /// Up to the session's lock_timeout.
    Allowed,
    /// Not at all: what is held is reported as contested.
    Forbidden,
}

/// Locks what is wanted, in the transaction that `connection` is in.
///
/// # Errors
/// The database's; SQLSTATE 55P03 when it waited too long.
pub(super) async fn lock_rows(
    connection: &mut PgConnection,
    wanted: &Wanted,
    held: &HeldRows,
    waiting: Waiting,
) -> Result<LockedRows, sqlx::Error> {
    let remembered = match waiting {
        Waiting::Allowed => held.remembered(Instant::now()),
        Waiting::Forbidden => return lock_free(connection, wanted, held).await,
    };
    if remembered.is_empty() {
        return lock_waiting(connection, wanted).await;
    }
    let (calm, suspect) = wanted.split(&remembered);
    let mut locked = lock_waiting(connection, &calm).await?;
    if !suspect.is_empty() {
        let free = lock_free(connection, &suspect, held).await?;
        locked.now = free.now;
        locked.levels.extend(free.levels);
        locked.contested = free.contested;
    }
    Ok(locked)
}

struct Row {
    now: DateTime<Utc>,
    sku: Option<String>,
    location_id: Option<String>,
    on_hand: Option<i64>,
    reserved: Option<i64>,
    shortfall: Option<i64>,
    version: Option<i64>,
    count_version: Option<i64>,
    update_time: Option<DateTime<Utc>>,
}

async fn lock_waiting(
    connection: &mut PgConnection,
    wanted: &Wanted,
) -> Result<LockedRows, sqlx::Error> {
    let WantedColumns { skus, location_ids } = wanted.columns();
    let rows = sqlx::query_file_as!(
        Row,
        "src/store/sql/lock_rows.sql",
        &skus as &[&str],
        &location_ids as &[Option<&str>],
    )
    .fetch_all(connection)
    .await?;
    Ok(locked_rows(rows))
}

async fn lock_free(
    connection: &mut PgConnection,
    wanted: &Wanted,
    held: &HeldRows,
) -> Result<LockedRows, sqlx::Error> {
    let WantedColumns { skus, location_ids } = wanted.columns();
    let rows = sqlx::query_file_as!(
        Row,
        "src/store/sql/lock_free_rows.sql",
        &skus as &[&str],
        &location_ids as &[Option<&str>],
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut locked = locked_rows(rows);
    let present = sqlx::query_file!(
        "src/store/sql/find_stock_rows.sql",
        &skus as &[&str],
        &location_ids as &[Option<&str>],
    )
    .fetch_all(connection)
    .await?;
    let had: HashSet<&StockKey> = locked.levels.iter().map(|(key, _)| key).collect();
    let contested: HashSet<StockKey> = present
        .into_iter()
        .map(|row| stock_key(row.sku, row.location_id))
        .filter(|key| !had.contains(key))
        .collect();
    held.note(Instant::now(), &contested, had);
    locked.contested = contested;
    Ok(locked)
}

fn stock_key(sku: String, location_id: String) -> StockKey {
    StockKey {
        sku: Sku::new(sku),
        location_id: LocationId::new(location_id),
    }
}

fn locked_rows(rows: Vec<Row>) -> LockedRows {
    let now = rows.first().expect("the clock is one row at least").now;
    let level = |row: Row| {
        // All null in the one row of a batch that locked nothing.
        let level = Level {
            on_hand: row.on_hand?,
            reserved: row.reserved?,
            shortfall: row.shortfall?,
            version: row.version?,
            count_version: row.count_version?,
            update_time: row.update_time?,
        };
        Some((stock_key(row.sku?, row.location_id?), level))
    };
    let levels = rows.into_iter().filter_map(level).collect();
    LockedRows {
        now,
        levels,
        contested: HashSet::new(),
    }
}
