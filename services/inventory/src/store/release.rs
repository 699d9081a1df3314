//! The batch command of releases: reads what the orders keep, locks the stock rows that it goes
//! back to, and writes all of it in one statement. An order whose record changed meanwhile is
//! found by the count of rows, and the batch runs again.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use holdfast_kit::id::OrderId;
use saga_batch::Command;
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use super::columns::{PlacementColumns, count};
use super::held::HeldRows;
use super::lock::{Waiting, lock_rows};
use super::records::find_records;
use super::transaction::{ATTEMPTS_MAX, Tried, end};
use super::wanted::Wanted;
use crate::domain::release::{Answer, Verdict, release, rows_to_lock};

/// Sets the stock of a batch of orders free.
#[derive(Debug)]
pub(crate) struct ReleaseBatch {
    held: Arc<HeldRows>,
}

impl ReleaseBatch {
    pub(crate) fn new(held: Arc<HeldRows>) -> Self {
        Self { held }
    }
}

impl Command for ReleaseBatch {
    type Item = OrderId;
    type Reply = Answer;

    const NAME: &'static str = "inventory-release";

    async fn execute(
        &self,
        connection: &mut PgConnection,
        items: &[OrderId],
    ) -> Result<Vec<Answer>, sqlx::Error> {
        let mut waiting = Waiting::Allowed;
        for _ in 0..ATTEMPTS_MAX {
            match self.attempt(connection, items, waiting).await? {
                Tried::Decided(answers) => return Ok(answers),
                Tried::TimedOut => waiting = Waiting::Forbidden,
                Tried::Overtaken => {}
            }
        }
        tracing::warn!(
            items = items.len(),
            "batch of releases was overtaken too often"
        );
        Ok(vec![Answer::Contested; items.len()])
    }
}

impl ReleaseBatch {
    async fn attempt(
        &self,
        connection: &mut PgConnection,
        items: &[OrderId],
        waiting: Waiting,
    ) -> Result<Tried<Vec<Answer>>, sqlx::Error> {
        let order_ids: Vec<Uuid> = items.iter().map(|order_id| order_id.as_uuid()).collect();
        let records = find_records(connection, &order_ids).await?;
        let rows = rows_to_lock(&records);
        if rows.is_empty() && items.iter().all(|order_id| records.contains_key(order_id)) {
            let verdict = release(items, &records, &HashSet::new());
            return Ok(Tried::Decided(verdict.answers));
        }
        let mut wanted = Wanted::default();
        rows.iter()
            .for_each(|row| wanted.add(&row.sku, &row.location_id));
        let mut transaction = connection.begin().await?;
        let tried = async {
            let locked = lock_rows(&mut transaction, &wanted, &self.held, waiting).await?;
            let verdict = release(items, &records, &locked.contested);
            write(&mut transaction, verdict, locked.now).await
        }
        .await;
        end(transaction, tried).await
    }
}

async fn write(
    connection: &mut PgConnection,
    verdict: Verdict,
    now: DateTime<Utc>,
) -> Result<Tried<Vec<Answer>>, sqlx::Error> {
    let freed = PlacementColumns::of(&verdict.freed);
    let released: Vec<Uuid> = verdict.released.iter().map(|id| id.as_uuid()).collect();
    let tombstones: Vec<Uuid> = verdict.tombstones.iter().map(|id| id.as_uuid()).collect();
    if released.is_empty() && tombstones.is_empty() {
        return Ok(Tried::Decided(verdict.answers));
    }
    let written = sqlx::query_file!(
        "src/store/sql/release.sql",
        now,
        &freed.skus as &[&str],
        &freed.location_ids as &[&str],
        &freed.quantities,
        &released,
        &tombstones,
    )
    .fetch_one(connection)
    .await?;
    let whole = written.freed == count(verdict.freed.len())
        && written.released == count(released.len())
        && written.entombed == count(tombstones.len());
    Ok(if whole {
        Tried::Decided(verdict.answers)
    } else {
        Tried::Overtaken
    })
}
