//! Placing an order for a caller: admit it, start it, wait as long as the caller wants.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use holdfast_kit::{
    deadline,
    id::OrderId,
    refusal::{CallError, Reason, Refusal, Unknown},
    trace::TraceParent,
};
use saga_batch::Writer;
use saga_runtime::Runner;
use tokio::time::Instant;

use crate::{
    backlog::Backlog,
    convert::Asked,
    decisions::{Decisions, Verdict},
    domain::{Order, OrderState, Placement},
    saga::place::Placing,
    store::{Carrier, Place, PlaceItem, Placed},
};

/// What a shed caller is told to wait.
const RETRY_DELAY: Duration = Duration::from_millis(500);

/// Places orders.
#[derive(Debug)]
pub(crate) struct Placer {
    pub(crate) writer: Writer<Place>,
    pub(crate) runner: Runner<Placing>,
    pub(crate) decisions: Arc<Decisions>,
    pub(crate) backlog: Backlog,
}

impl Placer {
    /// Places one order and gives it as the caller wants it, and whether its key had come before.
    ///
    /// # Errors
    /// OVERLOADED or BACKLOG_FULL before anything is bound; IDEMPOTENCY_KEY_REUSED; ANSWER_PENDING
    /// at the deadline; DATABASE_UNAVAILABLE.
    ///
    /// # Cancellation
    /// An order that is in a batch goes on without its caller.
    pub(crate) async fn place(
        &self,
        asked: Asked,
        deadline: Option<Instant>,
        trace: Option<TraceParent>,
    ) -> Result<(Arc<Order>, bool), CallError> {
        let carrier = self.admit(asked.accepted_is_enough)?;
        let placement = Arc::new(asked.placement);
        let verdict = (!asked.accepted_is_enough).then(Verdict::default);
        let item = PlaceItem {
            placement: Arc::clone(&placement),
            carrier,
            verdict: verdict.clone(),
            trace,
        };
        let placed = deadline::wait(deadline, self.writer.submit(item)).await??;
        match placed {
            Placed::Unreadable => Err(Unknown::internal().into()),
            Placed::KeyReused { fields } => Err(Refusal::key_reused(fields).into()),
            Placed::New { id, create_time } => match verdict {
                Some(verdict) => Ok((decision(deadline, &verdict).await?, false)),
                None => Ok((Arc::new(accepted(id, placement, create_time)), false)),
            },
            Placed::Existing(order) => {
                if asked.accepted_is_enough || order.state.is_decided() {
                    return Ok((Arc::new(*order), true));
                }
                let verdict = self.decisions.follow(order.id);
                Ok((decision(deadline, &verdict).await?, true))
            }
        }
    }

    /// Says who carries the order, or sheds it before anything is bound.
    fn admit(&self, accepted_is_enough: bool) -> Result<Carrier, Refusal> {
        if self.runner.room() > 0 {
            return Ok(Carrier::Here);
        }
        if !accepted_is_enough {
            return Err(Refusal::overloaded(RETRY_DELAY));
        }
        if self.backlog.is_full() {
            let message = "too many accepted orders wait to be decided";
            return Err(Refusal::new(Reason::BacklogFull, message).with_retry_delay(RETRY_DELAY));
        }
        Ok(Carrier::Anyone)
    }
}

async fn decision(deadline: Option<Instant>, verdict: &Verdict) -> Result<Arc<Order>, CallError> {
    let order = deadline::wait(deadline, verdict.wait()).await?;
    Ok(Arc::clone(order))
}

/// An order as it stands when it has been accepted.
fn accepted(id: OrderId, placement: Arc<Placement>, create_time: DateTime<Utc>) -> Order {
    Order {
        id,
        placement,
        state: OrderState::Pending,
        version: 1,
        create_time,
        update_time: create_time,
        rejection: None,
        allocations: None,
        captured_minor_units: 0,
        refunded_minor_units: 0,
        cancel_reason: String::new(),
    }
}
