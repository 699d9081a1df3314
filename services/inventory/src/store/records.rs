//! The rows of `allocations` as records. A row that no record can be made of is a defect and is
//! never answered from.

use std::collections::HashMap;

use holdfast_kit::id::OrderId;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::line::{Line, Placement};
use crate::domain::record::{Kept, Record, Refusal};

/// `allocations.state`: 1 REFUSED; the others as ReservationState has them.
pub(super) const REFUSED: i16 = 1;
/// RELEASED.
const RELEASED: i16 = 3;
/// TOMBSTONED.
const TOMBSTONED: i16 = 5;
/// ALLOCATED.
pub(super) const ALLOCATED: i16 = 6;

struct Row {
    order_id: Uuid,
    state: i16,
    lines: Option<Json<Vec<Line>>>,
    placed: Option<Json<Vec<Placement>>>,
    refusal: Option<Json<Refusal>>,
}

/// Reads what is recorded of orders, without a lock.
///
/// # Errors
/// The database's, or that a row cannot be read as a record.
pub(super) async fn find_records(
    connection: &mut PgConnection,
    order_ids: &[Uuid],
) -> Result<HashMap<OrderId, Record>, sqlx::Error> {
    let rows = sqlx::query_file_as!(Row, "src/store/sql/find_allocations.sql", order_ids,)
        .fetch_all(connection)
        .await?;
    rows.into_iter()
        .map(|row| Ok((OrderId::from_uuid(row.order_id), record(row)?)))
        .collect()
}

fn record(row: Row) -> Result<Record, sqlx::Error> {
    let placed = row.placed.map(|Json(placed)| placed);
    match (row.state, row.lines, row.refusal) {
        (ALLOCATED, Some(Json(lines)), None) => Ok(Record::Allocated(Kept { lines, placed })),
        (RELEASED, Some(Json(lines)), None) => Ok(Record::Released(Kept { lines, placed })),
        (REFUSED, Some(Json(lines)), Some(Json(refusal))) => Ok(Record::Refused { lines, refusal }),
        (TOMBSTONED, None, None) => Ok(Record::Tombstoned),
        (state, ..) => Err(sqlx::Error::Decode(
            format!("allocation {} of state {state} is no record", row.order_id).into(),
        )),
    }
}
