//! The events of cancels, and how they are published: the last statement of their transaction, since
//! it locks the feed's counter until the commit.

use chrono::{DateTime, Utc};
use holdfast_kit::id::OrderId;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::changes::json;
use crate::domain::CancelPlan;

/// What happened to an order, and when.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) id: OrderId,
    /// The version that it made.
    pub(super) version: i64,
    pub(super) happened: Happened,
    pub(super) create_time: DateTime<Utc>,
}

#[derive(Debug)]
pub(super) enum Happened {
    /// Told with the turn, as the first that the feed learns of the order.
    Placed,
    CancelStarted(CancelPlan),
    Cancelled,
}

impl Happened {
    /// `order_events.type` and `state`.
    fn numbers(&self) -> (i16, i16) {
        match self {
            Self::Placed => (1, 1),
            Self::CancelStarted(_) => (4, 5),
            Self::Cancelled => (5, 6),
        }
    }

    fn fact(&self) -> Option<Value> {
        match self {
            Self::CancelStarted(plan) => Some(json(plan)),
            Self::Placed | Self::Cancelled => None,
        }
    }
}

/// Publishes events in their order; nothing may follow but the commit.
pub(super) async fn publish(
    connection: &mut PgConnection,
    events: &[Event],
) -> Result<(), sqlx::Error> {
    if events.is_empty() {
        return Ok(());
    }
    let shards: Vec<i16> = events.iter().map(|event| event.id.shard().get()).collect();
    let ids: Vec<Uuid> = events.iter().map(|event| event.id.as_uuid()).collect();
    let versions: Vec<i64> = events.iter().map(|event| event.version).collect();
    let (types, states): (Vec<i16>, Vec<i16>) =
        events.iter().map(|event| event.happened.numbers()).unzip();
    let facts: Vec<Option<Value>> = events.iter().map(|event| event.happened.fact()).collect();
    let times: Vec<DateTime<Utc>> = events.iter().map(|event| event.create_time).collect();
    sqlx::query_file!(
        "src/store/cancel/publish.sql",
        &shards,
        &ids,
        &versions,
        &types,
        &states,
        &facts as &[Option<Value>],
        &times,
    )
    .execute(connection)
    .await?;
    Ok(())
}
