//! Turn: one compare-and-set records that orders are undone, and why, before the first undo. A
//! turned order enters the feed with its placed event.

use std::collections::HashSet;

use holdfast_kit::id::OrderId;
use saga_batch::Command;
use sqlx::PgConnection;
use uuid::Uuid;

/// One order to be turned.
#[derive(Debug)]
pub(super) struct TurnItem {
    pub(super) id: OrderId,
    pub(super) epoch: i64,
    /// The number of the reason.
    pub(super) reason: i16,
    /// Why, as JSON.
    pub(super) rejection: String,
}

#[derive(Debug)]
pub(super) struct Turn;

impl Command for Turn {
    type Item = TurnItem;
    /// False: the row was not as presumed.
    type Reply = bool;

    const NAME: &'static str = "order.turn";

    async fn execute(
        &self,
        connection: &mut PgConnection,
        items: &[TurnItem],
    ) -> Result<Vec<bool>, sqlx::Error> {
        let shards: Vec<i16> = items.iter().map(|item| item.id.shard().get()).collect();
        let ids: Vec<Uuid> = items.iter().map(|item| item.id.as_uuid()).collect();
        let epochs: Vec<i64> = items.iter().map(|item| item.epoch).collect();
        let reasons: Vec<i16> = items.iter().map(|item| item.reason).collect();
        let rejections: Vec<&str> = items.iter().map(|item| item.rejection.as_str()).collect();
        let rows = sqlx::query_file!(
            "src/store/turn.sql",
            &shards,
            &ids,
            &epochs,
            &reasons,
            &rejections as &[&str],
        )
        .fetch_all(connection)
        .await?;
        let changed: HashSet<Uuid> = rows.into_iter().map(|row| row.order_id).collect();
        Ok(ids.iter().map(|id| changed.contains(id)).collect())
    }
}
