//! The batch command of allocations. The happy path is two statements: lock, then write; what is
//! recorded already is found out by the insert, and only then read.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use holdfast_kit::id::OrderId;
use saga_batch::Command;
use sqlx::types::Json;
use sqlx::{Connection, PgConnection, Postgres, Transaction};
use uuid::Uuid;

use super::columns::{PlacementColumns, count};
use super::held::HeldRows;
use super::lock::{LockedRows, Waiting, lock_rows};
use super::records::{ALLOCATED, REFUSED, find_records};
use super::transaction::{ATTEMPTS_MAX, Tried, end};
use super::wanted::Wanted;
use crate::domain::allocation::{Allocation, Verdict, allocate};
use crate::domain::line::{Line, Placement};
use crate::domain::names::Sku;
use crate::domain::record::{Answer, Barring, Record, Refusal};
use crate::domain::shelf::Shelves;

/// Sets stock aside for a batch of orders.
#[derive(Debug)]
pub(crate) struct AllocateBatch {
    held: Arc<HeldRows>,
}

impl AllocateBatch {
    pub(crate) fn new(held: Arc<HeldRows>) -> Self {
        Self { held }
    }
}

type Records = HashMap<OrderId, Record>;

impl Command for AllocateBatch {
    type Item = Allocation;
    type Reply = Answer;

    const NAME: &'static str = "inventory-allocate";

    fn lines(item: &Allocation) -> usize {
        item.lines.len()
    }

    async fn execute(
        &self,
        connection: &mut PgConnection,
        items: &[Allocation],
    ) -> Result<Vec<Answer>, sqlx::Error> {
        let mut waiting = Waiting::Allowed;
        let mut records = None;
        for _ in 0..ATTEMPTS_MAX {
            if let Some(records) = &records
                && let Some(answers) = answer_from(records, items)
            {
                return Ok(answers);
            }
            let transaction = connection.begin().await?;
            match self
                .attempt(transaction, items, records.as_ref(), waiting)
                .await?
            {
                Tried::Decided(answers) => return Ok(answers),
                Tried::TimedOut => waiting = Waiting::Forbidden,
                Tried::Overtaken => {
                    let order_ids: Vec<Uuid> =
                        items.iter().map(|item| item.order_id.as_uuid()).collect();
                    records = Some(find_records(connection, &order_ids).await?);
                }
            }
        }
        tracing::warn!(
            items = items.len(),
            "batch of allocations was overtaken too often"
        );
        Ok(vec![Answer::Contested; items.len()])
    }
}

/// The answers of a batch whose orders are all recorded.
fn answer_from(records: &Records, items: &[Allocation]) -> Option<Vec<Answer>> {
    let answer = |item: &Allocation| Some(records.get(&item.order_id)?.repeat(&item.lines));
    items.iter().map(answer).collect()
}

impl AllocateBatch {
    async fn attempt(
        &self,
        mut transaction: Transaction<'_, Postgres>,
        items: &[Allocation],
        records: Option<&Records>,
        waiting: Waiting,
    ) -> Result<Tried<Vec<Answer>>, sqlx::Error> {
        let tried = self.decide(&mut transaction, items, records, waiting).await;
        end(transaction, tried).await
    }

    /// `records` is none as long as no order of the batch is known to be recorded.
    async fn decide(
        &self,
        connection: &mut PgConnection,
        items: &[Allocation],
        records: Option<&Records>,
        waiting: Waiting,
    ) -> Result<Tried<Vec<Answer>>, sqlx::Error> {
        let mut wanted = Wanted::default();
        for item in items {
            if records.is_none_or(|records| !records.contains_key(&item.order_id)) {
                item.lines.iter().for_each(|line| wanted.add_line(line));
            }
        }
        let locked = lock_rows(connection, &wanted, &self.held, waiting).await?;
        let now = locked.now;
        let shelves = shelves(connection, &wanted, locked).await?;
        let nothing = Records::new();
        let verdict = allocate(items, shelves, records.unwrap_or(&nothing), now);
        // An old order is barred only if it is not recorded, and nobody has looked yet.
        let too_old = Answer::Barred(Barring::KeyTooOld);
        if records.is_none() && verdict.answers.contains(&too_old) {
            return Ok(Tried::Overtaken);
        }
        write(connection, items, verdict, now).await
    }
}

/// Puts what was locked on shelves, and finds out which SKUs without stock were never put.
async fn shelves(
    connection: &mut PgConnection,
    wanted: &Wanted,
    locked: LockedRows,
) -> Result<Shelves, sqlx::Error> {
    let mut shelves = Shelves::default();
    for (key, level) in locked.levels {
        shelves.put(key, level.available(), level.version);
    }
    for key in locked.contested {
        shelves.contest(key);
    }
    let bare: Vec<&str> = wanted
        .skus()
        .filter(|sku| shelves.is_bare(sku))
        .map(|sku| sku.as_str())
        .collect();
    if bare.is_empty() {
        return Ok(shelves);
    }
    let unknown =
        sqlx::query_file_scalar!("src/store/sql/find_unknown_skus.sql", &bare as &[&str],)
            .fetch_all(connection)
            .await?;
    for sku in unknown {
        shelves.mark_unknown(Sku::new(sku));
    }
    Ok(shelves)
}

/// The new rows of `allocations` as parallel columns.
#[derive(Default)]
struct FreshColumns<'a> {
    order_ids: Vec<Uuid>,
    states: Vec<i16>,
    lines: Vec<Json<&'a [Line]>>,
    placed: Vec<Option<Json<&'a [Placement]>>>,
    refusals: Vec<Option<Json<&'a Refusal>>>,
}

impl<'a> FreshColumns<'a> {
    fn push(&mut self, item: &'a Allocation, answer: &'a Answer) {
        let (state, placed, refusal) = match answer {
            Answer::Done { placed, .. } => (ALLOCATED, placed.as_deref().map(Json), None),
            Answer::Refused(refusal) => (REFUSED, None, Some(Json(refusal))),
            Answer::KeyReused(_) | Answer::Barred(_) | Answer::Contested => {
                unreachable!("only what is decided is recorded")
            }
        };
        self.order_ids.push(item.order_id.as_uuid());
        self.states.push(state);
        self.lines.push(Json(&item.lines));
        self.placed.push(placed);
        self.refusals.push(refusal);
    }
}

async fn write(
    connection: &mut PgConnection,
    items: &[Allocation],
    verdict: Verdict,
    now: DateTime<Utc>,
) -> Result<Tried<Vec<Answer>>, sqlx::Error> {
    if verdict.fresh.is_empty() {
        return Ok(Tried::Decided(verdict.answers));
    }
    let taken = PlacementColumns::of(&verdict.taken);
    let mut fresh = FreshColumns::default();
    for &number in &verdict.fresh {
        fresh.push(&items[number], &verdict.answers[number]);
    }
    let written = sqlx::query_file!(
        "src/store/sql/allocate.sql",
        now,
        &taken.skus as &[&str],
        &taken.location_ids as &[&str],
        &taken.quantities,
        &fresh.order_ids,
        &fresh.states,
        &fresh.lines as &[Json<&[Line]>],
        &fresh.placed as &[Option<Json<&[Placement]>>],
        &fresh.refusals as &[Option<Json<&Refusal>>],
    )
    .fetch_one(connection)
    .await?;
    if written.moved != count(verdict.taken.len()) {
        // The rows were locked when they were read: only a defect decides on more than there is.
        tracing::error!(
            moved = written.moved,
            "I3: the database refused an oversell"
        );
        return Ok(Tried::Overtaken);
    }
    Ok(Tried::Decided(verdict.answers))
}
