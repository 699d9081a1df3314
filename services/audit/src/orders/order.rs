//! An order, and the reservation that it rests on, as their rows have them.
//! Lines stay text until they are compared, so that a row that cannot be understood is a finding
//! and stops nothing.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::finding::{Row, Source, optional};

/// `orders.state`.
pub(super) const PENDING: i16 = 1;
pub(super) const CONFIRMED: i16 = 2;
pub(super) const REJECTED: i16 = 4;
pub(super) const CANCELLING: i16 = 5;
pub(super) const CANCELLED: i16 = 6;

/// `allocations.state`.
pub(super) const ALLOCATED: i16 = 6;

/// An order, as far as it is compared with other databases.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct Order {
    pub(super) shard: i16,
    pub(super) order_id: Uuid,
    pub(super) customer_id: String,
    pub(super) request_id: String,
    pub(super) state: i16,
    pub(super) version: i64,
    pub(super) currency_code: String,
    pub(super) total_minor_units: i64,
    /// Only of a confirmed order.
    pub(super) lines: Option<String>,
    pub(super) capture: i16,
    pub(super) captured_minor_units: i64,
}

impl Order {
    /// The row that shows it.
    pub(super) fn row(&self) -> Row {
        let columns = [
            ("shard", self.shard.to_string()),
            ("order_id", self.order_id.to_string()),
            ("customer_id", self.customer_id.clone()),
            ("request_id", self.request_id.clone()),
            ("state", self.state.to_string()),
            ("version", self.version.to_string()),
            ("currency_code", self.currency_code.clone()),
            ("total_minor_units", self.total_minor_units.to_string()),
            (
                "captured_minor_units",
                self.captured_minor_units.to_string(),
            ),
            ("capture", self.capture.to_string()),
            ("lines", optional(self.lines.as_deref())),
        ];
        Row::new(Source::Order, "orders", columns)
    }
}

/// Reads orders by their ids.
pub(super) async fn load(
    connection: &mut PgConnection,
    ids: &[Uuid],
) -> Result<Vec<Order>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_as(include_str!("load.sql"))
        .bind(ids)
        .fetch_all(connection)
        .await
}

/// What an order was given, or was refused.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct Reservation {
    pub(super) order_id: Uuid,
    pub(super) state: i16,
    pub(super) lines: Option<String>,
    pub(super) placed: Option<String>,
    pub(super) refused: bool,
    pub(super) resolved: bool,
}

impl Reservation {
    /// Whether the row says one thing only; what does not is I4's.
    pub(super) fn is_coherent(&self) -> bool {
        let (lines, placed) = (self.lines.is_some(), self.placed.is_some());
        match self.state {
            1 => lines && !placed && self.refused && !self.resolved,
            3 => lines && !self.refused && self.resolved,
            5 => !lines && !placed && !self.refused && self.resolved,
            ALLOCATED => lines && !self.refused && !self.resolved,
            _ => false,
        }
    }

    /// What it keeps, by SKU; none if its lines cannot be understood.
    pub(super) fn kept(&self) -> Option<Units> {
        if self.state != ALLOCATED {
            return Some(Units::new());
        }
        units(self.placed.as_deref().or(self.lines.as_deref())?)
    }

    /// The row that shows it.
    pub(super) fn row(&self) -> Row {
        let columns = [
            ("order_id", self.order_id.to_string()),
            ("state", self.state.to_string()),
            ("lines", optional(self.lines.as_deref())),
            ("placed", optional(self.placed.as_deref())),
            ("refused", self.refused.to_string()),
            ("resolved", self.resolved.to_string()),
        ];
        Row::new(Source::Inventory, "allocations", columns)
    }
}

/// Reads reservations by their orders' ids.
pub(super) async fn reservations(
    connection: &mut PgConnection,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Reservation>, sqlx::Error> {
    let rows: Vec<Reservation> = sqlx::query_as(
        "-- audit: reservations of orders
        select
            a.order_id,
            a.state,
            a.lines::text as lines,
            a.placed::text as placed,
            a.refusal is not null as refused,
            a.resolve_time is not null as resolved
        from allocations a
        where a.order_id = any($1)",
    )
    .bind(ids)
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.order_id, row)).collect())
}

/// Units by SKU.
pub(super) type Units = BTreeMap<String, i128>;

#[derive(Deserialize)]
struct Line {
    sku: String,
    quantity: i64,
}

/// Adds lines up by SKU; none if they cannot be understood.
pub(super) fn units(lines: &str) -> Option<Units> {
    let lines: Vec<Line> = serde_json::from_str(lines).ok()?;
    let mut units = Units::new();
    for line in lines {
        *units.entry(line.sku).or_default() += i128::from(line.quantity);
    }
    Some(units)
}

/// Gives per SKU by how much `wanted` is more than `kept`, where they differ.
pub(super) fn difference(wanted: &Units, kept: &Units) -> Units {
    let mut difference = wanted.clone();
    for (sku, units) in kept {
        *difference.entry(sku.clone()).or_default() -= units;
    }
    difference.retain(|_, units| *units != 0);
    difference
}

#[cfg(test)]
mod tests {
    use super::{Units, difference, units};

    #[test]
    fn lines_are_compared_as_sums_by_sku() {
        let ordered = units(
            r#"[
                {"sku":"a","quantity":1,"unit_price":5}, {"sku":"b","quantity":2},
                {"sku":"a","quantity":3}
            ]"#,
        )
        .unwrap();
        let kept = units(
            r#"[
                {"sku":"b","location_id":"x","quantity":2},
                {"sku":"a","location_id":"y","quantity":4}
            ]"#,
        )
        .unwrap();
        assert!(difference(&ordered, &kept).is_empty());
        let less = units(r#"[{"sku":"a","quantity":4},{"sku":"c","quantity":1}]"#).unwrap();
        let expected = Units::from([("b".to_owned(), 2), ("c".to_owned(), -1)]);
        assert_eq!(difference(&ordered, &less), expected);
        assert_eq!(units(r#"[{"sku":"a"}]"#), None);
    }
}
