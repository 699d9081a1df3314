//! Reads order rows. A row that cannot be decoded costs its own order only.

use std::{collections::HashMap, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use holdfast_kit::{
    id::{OrderId, Shard},
    money::{Currency, Money},
    refusal::Refusal,
};
use saga_runtime::{Noted, RunnerId};
use serde::de::DeserializeOwned;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::{Capture, Order, OrderState, Placement, Priority};

/// A row: the order, and the log of its saga.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    /// The order's id.
    pub(crate) id: OrderId,
    /// The order, or why it cannot be decoded.
    pub(crate) order: Result<Order, String>,
    /// Whether the saga has ended.
    pub(crate) ended: bool,
    /// Who carries the saga.
    pub(crate) runner: Option<RunnerId>,
    /// The saga's epoch.
    pub(crate) epoch: i64,
    /// Whether the saga has turned; the order's rejection says why.
    pub(crate) turned: bool,
    /// Whether it waits for an operator.
    pub(crate) halted: bool,
    /// What is left of the time for deciding.
    pub(crate) remaining: Duration,
    /// What the saga failed at when it was last written about.
    pub(crate) noted: Option<Noted>,
}

struct Row {
    order_id: Uuid,
    customer_id: String,
    request_id: String,
    state: i16,
    version: i64,
    currency_code: String,
    total_minor_units: i64,
    lines: Value,
    adjustments: Option<Value>,
    metadata: Option<Value>,
    payment_method: String,
    capture: i16,
    priority: i16,
    decide_within_ms: Option<i64>,
    create_time: DateTime<Utc>,
    update_time: DateTime<Utc>,
    rejection: Option<Value>,
    allocations: Option<Value>,
    captured_minor_units: i64,
    refunded_minor_units: i64,
    cancel_reason: Option<String>,
    runner: Option<Uuid>,
    epoch: i64,
    turned: bool,
    halted: bool,
    trouble: Option<Value>,
    remaining_ms: i64,
}

/// Reads rows by id.
pub(super) async fn by_id(
    connection: &mut PgConnection,
    ids: &[OrderId],
) -> Result<Vec<Stored>, sqlx::Error> {
    let shards: Vec<i16> = ids.iter().map(|id| id.shard().get()).collect();
    let uuids: Vec<Uuid> = ids.iter().map(|id| id.as_uuid()).collect();
    let rows = sqlx::query_file_as!(Row, "src/store/load.sql", &shards, &uuids)
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(Stored::from).collect())
}

/// Reads rows by (shard, customer_id, request_id).
pub(super) async fn by_request(
    connection: &mut PgConnection,
    keys: &[(i16, &str, &str)],
) -> Result<Vec<Stored>, sqlx::Error> {
    let found = find(connection, keys).await?;
    let ids: Vec<OrderId> = found.iter().map(|found| found.id).collect();
    by_id(connection, &ids).await
}

/// The key and the id of an order that is there.
pub(super) struct Found {
    pub(super) customer_id: String,
    pub(super) request_id: String,
    id: OrderId,
}

/// Finds orders by (shard, customer_id, request_id); each once.
pub(super) async fn find(
    connection: &mut PgConnection,
    keys: &[(i16, &str, &str)],
) -> Result<Vec<Found>, sqlx::Error> {
    let shards: Vec<i16> = keys.iter().map(|(shard, _, _)| *shard).collect();
    let customers: Vec<&str> = keys.iter().map(|(_, customer, _)| *customer).collect();
    let requests: Vec<&str> = keys.iter().map(|(_, _, request)| *request).collect();
    let rows = sqlx::query!(
        "-- order: find orders by key
        select distinct o.order_id, o.customer_id, o.request_id
        from unnest($1::smallint[], $2::text[], $3::text[]) as i (shard, customer_id, request_id)
        join orders o
            on o.shard = i.shard
            and o.customer_id = i.customer_id
            and o.request_id = i.request_id",
        &shards,
        &customers as &[&str],
        &requests as &[&str],
    )
    .fetch_all(connection)
    .await?;
    let found = rows.into_iter().map(|row| Found {
        customer_id: row.customer_id,
        request_id: row.request_id,
        id: OrderId::from_uuid(row.order_id),
    });
    Ok(found.collect())
}

/// Finds the ids of orders by (customer_id, request_id).
pub(super) async fn ids_of<'a>(
    connection: &mut PgConnection,
    keys: &'a [(String, String)],
) -> Result<HashMap<(String, String), OrderId>, sqlx::Error> {
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let key = |(customer, request): &'a (String, String)| {
        (Shard::of_customer(customer).get(), &**customer, &**request)
    };
    let keys: Vec<_> = keys.iter().map(key).collect();
    let found = find(connection, &keys).await?;
    let id = |found: Found| ((found.customer_id, found.request_id), found.id);
    Ok(found.into_iter().map(id).collect())
}

impl Stored {
    /// A row that no saga is at work on, as it is about to be written.
    pub(super) fn ended(order: Order) -> Self {
        Self {
            id: order.id,
            order: Ok(order),
            ended: true,
            runner: None,
            epoch: 1,
            turned: false,
            halted: false,
            remaining: Duration::ZERO,
            noted: None,
        }
    }
}

impl From<Row> for Stored {
    fn from(row: Row) -> Self {
        Self {
            id: OrderId::from_uuid(row.order_id),
            ended: row.state != 1 && !(row.state == 5 && row.turned),
            runner: row.runner.map(RunnerId),
            epoch: row.epoch,
            turned: row.turned,
            halted: row.halted,
            remaining: Duration::from_millis(row.remaining_ms.try_into().unwrap_or(0)),
            noted: row.trouble.clone().and_then(Noted::from_json),
            order: decode(row),
        }
    }
}

fn decode(row: Row) -> Result<Order, String> {
    let currency = currency(&row.currency_code)?;
    let total = Money::new(currency, row.total_minor_units).map_err(|error| error.to_string())?;
    let decide_within = row.decide_within_ms.map(u64::try_from).transpose();
    let placement = Placement {
        customer_id: row.customer_id,
        request_id: row.request_id,
        lines: from_json("lines", row.lines)?,
        adjustments: optional("adjustments", row.adjustments)?.unwrap_or_default(),
        total,
        payment_method: row.payment_method,
        capture: capture(row.capture)?,
        priority: priority(row.priority)?,
        decide_within: decide_within
            .map_err(|_| "decide_within_ms is below 0".to_owned())?
            .map(Duration::from_millis),
        metadata: optional("metadata", row.metadata)?.unwrap_or_default(),
    };
    Ok(Order {
        id: OrderId::from_uuid(row.order_id),
        placement: Arc::new(placement),
        state: state(row.state)?,
        version: row.version,
        create_time: row.create_time,
        update_time: row.update_time,
        rejection: optional::<Refusal>("rejection", row.rejection)?,
        allocations: optional("allocations", row.allocations)?,
        captured_minor_units: row.captured_minor_units,
        refunded_minor_units: row.refunded_minor_units,
        cancel_reason: row.cancel_reason.unwrap_or_default(),
    })
}

fn currency(code: &str) -> Result<Currency, String> {
    if code == Currency::NONE.as_str() {
        return Ok(Currency::NONE);
    }
    code.parse().map_err(|_| format!("currency {code}"))
}

fn optional<T: DeserializeOwned>(column: &str, value: Option<Value>) -> Result<Option<T>, String> {
    value.map(|value| from_json(column, value)).transpose()
}

fn from_json<T: DeserializeOwned>(column: &str, value: Value) -> Result<T, String> {
    serde_json::from_value(value).map_err(|error| format!("{column}: {error}"))
}

fn state(column: i16) -> Result<OrderState, String> {
    match column {
        1 => Ok(OrderState::Pending),
        2 => Ok(OrderState::Confirmed),
        4 => Ok(OrderState::Rejected),
        5 => Ok(OrderState::Cancelling),
        6 => Ok(OrderState::Cancelled),
        other => Err(format!("state {other}")),
    }
}

fn capture(column: i16) -> Result<Capture, String> {
    match column {
        1 => Ok(Capture::OnConfirm),
        2 => Ok(Capture::OnFulfillment),
        other => Err(format!("capture {other}")),
    }
}

fn priority(column: i16) -> Result<Priority, String> {
    match column {
        1 => Ok(Priority::Normal),
        2 => Ok(Priority::High),
        3 => Ok(Priority::Low),
        other => Err(format!("priority {other}")),
    }
}
