//! Cancelling an order for a caller: begin it, and wait for its end.

use std::sync::Arc;

use holdfast_kit::{
    deadline,
    refusal::{CallError, Refusal, Unknown},
};
use saga_batch::Writer;
use tokio::time::Instant;

use crate::{
    decisions::Decisions,
    domain::{CancelItem, CancelPlan, Order},
    store::{CancelOrders, CancelReply},
};

/// Cancels orders.
#[derive(Debug)]
pub(crate) struct Canceller {
    pub(crate) writer: Writer<CancelOrders>,
    pub(crate) decisions: Arc<Decisions>,
}

/// What a cancel came to.
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
            CancelReply::NotFound => Err(Order::not_found().into()),
            CancelReply::KeyReused { fields } => Err(Refusal::key_reused(fields).into()),
            CancelReply::VersionMismatch(mismatch) => Err(Refusal::from(mismatch).into()),
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
}
