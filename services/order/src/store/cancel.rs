//! Cancel: one transaction turns running orders and takes them over, marks confirmed ones and starts
//! the sagas that cancel them, entombs placements that have not come, binds the callers' keys and
//! publishes what has happened.
//!
//! Locks: orders by (shard, order_id), then the runners' rows, then new keys in their order, then the
//! feed's counter, which is held until the commit.

use std::{collections::HashMap, sync::Arc, time::Duration};

use holdfast_kit::id::OrderId;
use saga_batch::{Command, is_refused};
use saga_runtime::{Adopted, Runner, TakenOver};
use sqlx::{Connection, PgConnection};

use super::{
    load::{self, Stored},
    recovery::{self, claimed},
};
use crate::{
    domain::{CancelItem, CancelPlan, Order, Target, VersionMismatch},
    saga::{cancel::Cancelling, place::Placing},
};
mod changes;
mod end;
mod events;
mod requests;

pub(crate) use end::CancelLog;

use changes::Changes;

/// A cancel has no deadline; the engine's table wants one.
const NO_DEADLINE: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// What came of asking for a cancel.
#[derive(Clone, Debug)]
pub(crate) enum CancelReply {
    /// It is done, begun, or needs nothing.
    Taken {
        /// The order, as it is by now.
        order: Box<Order>,
        /// What is given back; `None`: there was nothing left to cancel.
        plan: Option<CancelPlan>,
        /// Whether the key had come before.
        replayed: bool,
    },
    /// There is no such order.
    NotFound,
    /// The key had come before with another body.
    KeyReused {
        /// The fields that differ.
        fields: Vec<String>,
    },
    /// The order is not at the version expected; nothing is bound.
    VersionMismatch(VersionMismatch),
    /// Its row cannot be read: a defect.
    Unreadable,
}

/// The batch command of cancel.
#[derive(Debug)]
pub(crate) struct CancelOrders {
    /// Who carries running orders that are turned here.
    pub(crate) placing: Runner<Placing>,
    /// Who carries the sagas that cancel confirmed orders.
    pub(crate) cancelling: Runner<Cancelling>,
    /// Where those are logged.
    pub(crate) log: Arc<CancelLog>,
}

impl Command for CancelOrders {
    type Item = CancelItem;
    type Reply = CancelReply;

    const NAME: &'static str = "order.cancel";
    /// A placement that comes between the look for it and its tombstone: the batch is run again.
    const KEYS: Option<&'static str> = Some("orders_request_unique");

    async fn execute(
        &self,
        connection: &mut PgConnection,
        items: &[CancelItem],
    ) -> Result<Vec<CancelReply>, sqlx::Error> {
        let (turn, begin) = (self.placing.taking_over(), self.cancelling.starting());
        let committed = self.commit(connection, items).await;
        let replies = match committed {
            Ok(committed) => {
                self.placing.taken_over(committed.turned);
                self.cancelling.adopt(committed.begun);
                Ok(committed.replies)
            }
            Err(error) if is_refused(&error) => Err(error),
            // Both stay in doubt, as they do if this future is given up.
            Err(error) => return Err(error),
        };
        turn.settled();
        begin.settled();
        replies
    }
}

/// What a committed batch hands on.
struct Committed {
    replies: Vec<CancelReply>,
    turned: TakenOver<Placing>,
    begun: Vec<Adopted<Cancelling>>,
}

impl CancelOrders {
    async fn commit(
        &self,
        connection: &mut PgConnection,
        items: &[CancelItem],
    ) -> Result<Committed, sqlx::Error> {
        let mut transaction = connection.begin().await?;
        let ids = find(&mut transaction, items).await?;
        let named: Vec<OrderId> = ids.iter().flatten().copied().collect();
        let now = changes::lock(&mut transaction, &named).await?;
        let mut orders: HashMap<OrderId, Stored> = load::by_id(&mut transaction, &named)
            .await?
            .into_iter()
            .map(|stored| (stored.id, stored))
            .collect();
        let mut bound = requests::find(&mut transaction, items, &ids).await?;

        let mut changes = Changes::at(now);
        let decide = items.iter().zip(ids).map(|(item, id)| {
            let id = id.or_else(|| changes.entomb(item, &mut orders));
            changes.decide(item, id, &mut orders, &mut bound)
        });
        let replies: Vec<CancelReply> = decide.collect();

        let takeovers = self.take_over(&mut transaction, &changes).await?;
        let runner = takeovers.map(|_| self.placing.id());
        changes
            .write(&mut transaction, runner, self.placing.id())
            .await?;
        let table = self.log.table();
        let begun = table
            .start_in(
                &mut transaction,
                self.cancelling.id(),
                changes.sagas(),
                NO_DEADLINE,
            )
            .await?;
        requests::bind(&mut transaction, &changes.bindings, now).await?;
        let turned = load::by_id(&mut transaction, &changes.turned()).await?;
        events::publish(&mut transaction, &changes.events).await?;
        transaction.commit().await?;
        let sagas = turned.into_iter().filter(|_| runner.is_some()).map(claimed);
        Ok(Committed {
            replies,
            turned: TakenOver {
                sagas: sagas.collect(),
                takeovers: takeovers.unwrap_or(0),
            },
            begun,
        })
    }

    /// Prepares the takeover of what is turned; `None`: nothing is, or somebody has buried this
    /// process's runner, and what is turned belongs to nobody.
    async fn take_over(
        &self,
        connection: &mut PgConnection,
        changes: &Changes,
    ) -> Result<Option<i64>, sqlx::Error> {
        match changes.turned().into_iter().min() {
            Some(lowest) => recovery::lower_mark(connection, self.placing.id(), lowest).await,
            None => Ok(None),
        }
    }
}

/// The id of each item's order; `None`: its placement has not come.
async fn find(
    connection: &mut PgConnection,
    items: &[CancelItem],
) -> Result<Vec<Option<OrderId>>, sqlx::Error> {
    let key = |item: &CancelItem| match &item.target {
        Target::Order(_) => None,
        Target::Placement {
            customer_id,
            request_id,
        } => Some((customer_id.clone(), request_id.clone())),
    };
    let keys: Vec<(String, String)> = items.iter().filter_map(key).collect();
    let found = load::ids_of(connection, &keys).await?;
    let id = |item: &CancelItem| match &item.target {
        Target::Order(id) => Some(*id),
        Target::Placement {
            customer_id,
            request_id,
        } => found
            .get(&(customer_id.clone(), request_id.clone()))
            .copied(),
    };
    Ok(items.iter().map(id).collect())
}
