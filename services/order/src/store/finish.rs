//! Finish, the pivot: one compare-and-set decides orders and publishes their events. It changes
//! nothing where the row has ended, is of another epoch, or has turned and should not have.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use holdfast_kit::id::OrderId;
use saga_batch::Command;
use sqlx::PgConnection;
use uuid::Uuid;

/// One order to be decided.
#[derive(Debug)]
pub(super) struct FinishItem {
    pub(super) id: OrderId,
    pub(super) epoch: i64,
    pub(super) turned: bool,
    pub(super) end: End,
    /// Why it turned or is rejected, as JSON.
    pub(super) rejection: Option<String>,
    pub(super) allocations: Option<String>,
    pub(super) captured_minor_units: i64,
}

/// How an order ends; the numbers of its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Confirmed = 2,
    Rejected = 4,
    Cancelled = 6,
}

/// What a decision tells whoever waits for the order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Receipt {
    /// The order's version.
    pub(crate) version: i64,
    /// When it was decided.
    pub(crate) update_time: DateTime<Utc>,
}

#[derive(Debug)]
pub(super) struct Finish;

impl Command for Finish {
    type Item = FinishItem;
    /// `None`: the row was not as presumed.
    type Reply = Option<Receipt>;

    const NAME: &'static str = "order.finish";

    async fn execute(
        &self,
        connection: &mut PgConnection,
        items: &[FinishItem],
    ) -> Result<Vec<Option<Receipt>>, sqlx::Error> {
        let shards: Vec<i16> = items.iter().map(|item| item.id.shard().get()).collect();
        let ids: Vec<Uuid> = items.iter().map(|item| item.id.as_uuid()).collect();
        let epochs: Vec<i64> = items.iter().map(|item| item.epoch).collect();
        let turned: Vec<bool> = items.iter().map(|item| item.turned).collect();
        let states: Vec<i16> = items.iter().map(|item| item.end as i16).collect();
        let rejections: Vec<Option<&str>> =
            items.iter().map(|item| item.rejection.as_deref()).collect();
        let allocations: Vec<Option<&str>> = items
            .iter()
            .map(|item| item.allocations.as_deref())
            .collect();
        let captured: Vec<i64> = items.iter().map(|item| item.captured_minor_units).collect();
        let rows = sqlx::query_file!(
            "src/store/finish.sql",
            &shards,
            &ids,
            &epochs,
            &turned,
            &states,
            &rejections as &[Option<&str>],
            &allocations as &[Option<&str>],
            &captured,
        )
        .fetch_all(connection)
        .await?;
        let changed: HashMap<Uuid, Receipt> = rows
            .into_iter()
            .map(|row| {
                (
                    row.order_id,
                    Receipt {
                        version: row.version,
                        update_time: row.update_time,
                    },
                )
            })
            .collect();
        Ok(ids.iter().map(|id| changed.get(id).copied()).collect())
    }
}
