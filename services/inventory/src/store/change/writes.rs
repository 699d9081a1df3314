//! Writes what a batch of changes came to. Each statement gives the number of rows that it wrote;
//! fewer than were meant: somebody else was first.

use std::collections::{BTreeMap, HashMap};

use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::{ContextV7, Timestamp, Uuid};

use super::reads::method_number;
use crate::domain::adjust::{AdjustReason, Adjustment};
use crate::domain::change::{Body, Books, CardBody, Refusal};
use crate::domain::names::StockKey;
use crate::domain::stock::Level;

/// `movements.reason`: MovementReason of the wire.
const fn reason_number(reason: AdjustReason) -> i16 {
    match reason {
        AdjustReason::Received => 1,
        AdjustReason::Damaged => 2,
        AdjustReason::Counted => 3,
        AdjustReason::Returned => 4,
        AdjustReason::Transfer => 5,
        AdjustReason::Correction => 6,
    }
}

/// Makes and replaces SKUs.
pub(super) async fn put_skus(
    connection: &mut PgConnection,
    books: &Books,
) -> Result<i64, sqlx::Error> {
    if books.put.is_empty() {
        return Ok(0);
    }
    let cards: Vec<_> = books.put.iter().map(|sku| &books.cards[sku]).collect();
    let skus: Vec<&str> = cards.iter().map(|card| card.sku.as_str()).collect();
    let titles: Vec<&str> = cards.iter().map(|card| card.title.as_str()).collect();
    let attributes: Vec<_> = cards.iter().map(|card| Json(&card.attributes)).collect();
    let create_times: Vec<_> = cards.iter().map(|card| card.create_time).collect();
    sqlx::query_file_scalar!(
        "src/store/sql/put_skus.sql",
        books.now,
        &skus as &[&str],
        &titles as &[&str],
        &attributes as &[Json<&BTreeMap<String, String>>],
        &create_times,
    )
    .fetch_one(connection)
    .await
}

/// Makes and changes stock rows; `read` is what they were under the lock.
pub(super) async fn adjust_stock(
    connection: &mut PgConnection,
    books: &Books,
    read: &HashMap<StockKey, Level>,
) -> Result<i64, sqlx::Error> {
    if books.adjusted.is_empty() {
        return Ok(0);
    }
    let rows: Vec<_> = books
        .adjusted
        .iter()
        .map(|row| (row, &books.levels[row]))
        .collect();
    let column = |value: fn(&Level) -> i64| -> Vec<i64> {
        rows.iter().map(|(_, level)| value(level)).collect()
    };
    let skus: Vec<&str> = rows.iter().map(|(row, _)| row.sku.as_str()).collect();
    let location_ids: Vec<&str> = rows
        .iter()
        .map(|(row, _)| row.location_id.as_str())
        .collect();
    let versions_read: Vec<i64> = rows
        .iter()
        .map(|(row, _)| read.get(row).map_or(0, |level| level.version))
        .collect();
    sqlx::query_file_scalar!(
        "src/store/sql/adjust_stock.sql",
        books.now,
        &skus as &[&str],
        &location_ids as &[&str],
        &column(|level| level.on_hand),
        &column(|level| level.reserved),
        &column(|level| level.shortfall),
        &column(|level| level.version),
        &column(|level| level.count_version),
        &versions_read,
    )
    .fetch_one(connection)
    .await
}

/// Adds to the ledger. The ids carry the database's time and ascend within the batch.
pub(super) async fn record_movements(
    connection: &mut PgConnection,
    books: &Books,
) -> Result<(), sqlx::Error> {
    let movements = &books.movements;
    if movements.is_empty() {
        return Ok(());
    }
    let ids = movement_ids(books);
    let skus: Vec<&str> = movements
        .iter()
        .map(|movement| movement.row.sku.as_str())
        .collect();
    let location_ids: Vec<&str> = movements
        .iter()
        .map(|movement| movement.row.location_id.as_str())
        .collect();
    let deltas: Vec<i64> = movements.iter().map(|movement| movement.delta).collect();
    let reasons: Vec<i16> = movements
        .iter()
        .map(|movement| reason_number(movement.reason))
        .collect();
    let order_ids: Vec<Option<Uuid>> = movements
        .iter()
        .map(|movement| movement.order_id.map(|id| id.as_uuid()))
        .collect();
    let request_ids: Vec<&str> = movements
        .iter()
        .map(|movement| movement.request_id.as_str())
        .collect();
    sqlx::query_file!(
        "src/store/sql/record_movements.sql",
        books.now,
        &ids,
        &skus as &[&str],
        &location_ids as &[&str],
        &deltas,
        &reasons,
        &order_ids as &[Option<Uuid>],
        &request_ids as &[&str],
    )
    .execute(connection)
    .await?;
    Ok(())
}

fn movement_ids(books: &Books) -> Vec<Uuid> {
    let context = ContextV7::new();
    let seconds =
        u64::try_from(books.now.timestamp()).expect("a database's clock is past the epoch");
    let nanoseconds = books.now.timestamp_subsec_nanos();
    let id = |_: &_| Uuid::new_v7(Timestamp::from_unix(&context, seconds, nanoseconds));
    books.movements.iter().map(id).collect()
}

/// Binds the keys that came for the first time.
pub(super) async fn bind_operations(
    connection: &mut PgConnection,
    books: &Books,
) -> Result<i64, sqlx::Error> {
    if books.bound.is_empty() {
        return Ok(0);
    }
    let skus: Vec<&str> = books.bound.iter().map(|key| key.sku.as_str()).collect();
    let methods: Vec<i16> = books
        .bound
        .iter()
        .map(|key| method_number(key.method))
        .collect();
    let request_ids: Vec<&str> = books
        .bound
        .iter()
        .map(|key| key.request_id.as_str())
        .collect();
    let operations: Vec<_> = books
        .bound
        .iter()
        .map(|key| &books.operations[key])
        .collect();
    let bodies: Vec<Json<RecordedBody<'_>>> = operations
        .iter()
        .map(|operation| Json(RecordedBody::of(&operation.body)))
        .collect();
    let refusals: Vec<Option<Json<&Refusal>>> = operations
        .iter()
        .map(|operation| operation.refusal.as_ref().map(Json))
        .collect();
    sqlx::query_file_scalar!(
        "src/store/sql/bind_operations.sql",
        books.now,
        &skus as &[&str],
        &methods,
        &request_ids as &[&str],
        &bodies as &[Json<RecordedBody<'_>>],
        &refusals as &[Option<Json<&Refusal>>],
    )
    .fetch_one(connection)
    .await
}

/// A body as its column holds it; which one it is, `operations.method` says.
#[derive(serde::Serialize)]
#[serde(untagged)]
enum RecordedBody<'a> {
    PutSku(&'a CardBody),
    AdjustStock(&'a Adjustment),
}

impl<'a> RecordedBody<'a> {
    fn of(body: &'a Body) -> Self {
        match body {
            Body::PutSku(body) => Self::PutSku(body),
            Body::AdjustStock(body) => Self::AdjustStock(body),
        }
    }
}
