//! Cancelling an order for a caller: tell what it would do, or begin it and wait for its end.

use std::sync::Arc;

use holdfast_kit::{
    deadline,
    refusal::{CallError, Reason, Refusal, Unknown},
};
use saga_batch::Writer;
use tokio::time::Instant;

use crate::{
    decisions::Decisions,
    domain::{CancelItem, CancelPlan, Order, Target, VersionMismatch, cancel},
    store::{CancelOrders, CancelReply, Reads},
};

/// Cancels orders.
#[derive(Debug)]
pub(crate) struct Canceller {
    pub(crate) writer: Writer<CancelOrders>,
    pub(crate) decisions: Arc<Decisions>,
    pub(crate) reads: Reads,
}

/// What a cancel comes to, or would come to.
#[derive(Debug)]
pub(crate) struct Cancelled {
    pub(crate) order: Arc<Order>,
    pub(crate) plan: Option<CancelPlan>,
    pub(crate) replayed: bool,
}

impl Canceller {
    /// Cancels one order and waits until nothing is left of it.
    ///
    /// # Errors
    /// ORDER_NOT_FOUND, IDEMPOTENCY_KEY_REUSED, VERSION_MISMATCH, OVERLOADED; ANSWER_PENDING at the
    /// deadline; DATABASE_UNAVAILABLE.
    ///
    /// # Cancellation
    /// A cancel that is in a batch goes on without its caller.
    pub(crate) async fn cancel(
        &self,
        item: CancelItem,
        deadline: Option<Instant>,
    ) -> Result<Cancelled, CallError> {
        let reply = deadline::wait(deadline, self.writer.submit(item)).await??;
        match reply {
            CancelReply::NotFound => Err(not_found().into()),
            CancelReply::KeyReused { fields } => Err(Refusal::key_reused(fields).into()),
            CancelReply::VersionMismatch(mismatch) => Err(mismatched(mismatch).into()),
            CancelReply::Unreadable => Err(Unknown::internal().into()),
            CancelReply::Taken {
                order,
                plan,
                replayed,
            } => Ok(Cancelled {
                order: self.end_of(*order, deadline).await?,
                plan,
                replayed,
            }),
        }
    }

    /// The order once it is never left any more.
    async fn end_of(
        &self,
        order: Order,
        deadline: Option<Instant>,
    ) -> Result<Arc<Order>, CallError> {
        let mut order = Arc::new(order);
        // Whoever waits for the placement is told of its decision by the same verdict, which may come
        // after the cancel has begun.
        while !order.state.is_terminal() {
            let verdict = self.decisions.follow(order.id);
            order = Arc::clone(deadline::wait(deadline, verdict.wait()).await?);
        }
        Ok(order)
    }

    /// Tells what a cancel would do now.
    ///
    /// # Errors
    /// ORDER_NOT_FOUND, VERSION_MISMATCH, DATABASE_UNAVAILABLE.
    pub(crate) async fn tell(
        &self,
        target: &Target,
        expected_version: Option<i64>,
    ) -> Result<Cancelled, CallError> {
        let found = self.reads.target(target).await.map_err(|error| {
            tracing::warn!(%error, "order not read");
            Unknown::database_unavailable()
        })?;
        let order = found.ok_or_else(not_found)?;
        // Whether it has turned changes what is done, and not whether it is refused.
        cancel(&order, false, expected_version).map_err(mismatched)?;
        let plan = CancelPlan::of(&order);
        Ok(Cancelled {
            order: Arc::new(order),
            plan,
            replayed: false,
        })
    }
}

fn not_found() -> Refusal {
    Refusal::new(Reason::OrderNotFound, "there is no such order")
}

fn mismatched(mismatch: VersionMismatch) -> Refusal {
    Refusal::new(
        Reason::VersionMismatch,
        "the order is no longer at the version expected",
    )
    .with_metadata("expected", mismatch.expected.to_string())
    .with_metadata("actual", mismatch.actual.to_string())
}
