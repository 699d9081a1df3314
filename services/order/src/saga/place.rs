//! Placing an order: allocate its stock, pay, finish.
//!
//! | step | participant | undo |
//! |---|---|---|
//! | allocate | inventory `BatchAllocate`, every line or none | `BatchRelease` |
//! | pay | payment `BatchAuthorize`; skipped when the total is 0 | `BatchReverse` |
//!
//! The pivot is the finish: one compare-and-set on the order row confirms the order.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use holdfast_kit::{
    id::OrderId,
    refusal::{Reason, Refusal},
    trace::TraceParent,
};
use saga_runtime::{Definition, Saga, SagaId};

use super::participant::Linked;
use crate::domain::{Allocation, Placement};

pub(super) mod allocate;
pub(super) mod pay;
#[cfg(test)]
mod tests;

/// The definition's name.
pub(crate) const NAME: &str = "place";
/// The version that new orders start with.
pub(crate) const VERSION: i16 = 1;

/// What placing one order carries from step to step.
#[derive(Clone, Debug)]
pub(crate) struct Placing {
    /// The order; also the saga's and the payment's id.
    pub(crate) order_id: OrderId,
    /// What was asked.
    pub(crate) placement: Arc<Placement>,
    /// When the order was accepted, by the database's clock.
    pub(crate) create_time: DateTime<Utc>,
    /// Where its stock comes from, if not from where its lines named it.
    pub(crate) allocations: Option<Vec<Allocation>>,
    /// What the payment took.
    pub(crate) captured_minor_units: i64,
    /// The trace of the call that placed it; it is in no log, so a saga that was taken over has none.
    pub(crate) trace: Option<TraceParent>,
}

impl Placing {
    /// An item of a batch, with the trace that the order came with.
    fn linked<T>(&self, item: T) -> Linked<T> {
        Linked::new(item, self.order_id, self.trace)
    }
}

impl Saga for Placing {
    type Refusal = Refusal;

    fn id(&self) -> SagaId {
        SagaId(self.order_id.as_uuid())
    }

    fn lines(&self) -> usize {
        self.placement.lines.len()
    }

    fn timed_out(&self) -> Refusal {
        let within = self.placement.decide_within();
        Refusal::new(
            Reason::TimedOut,
            format!("the order was not decided within {within:?}"),
        )
    }
}

/// The steps in order, each with the channel to its participant.
pub(crate) fn definition(
    inventory: tonic::transport::Channel,
    payment: tonic::transport::Channel,
) -> Definition<Placing> {
    Definition::new(NAME, VERSION)
        .step(allocate::Allocate::new(inventory))
        .step(pay::Pay::new(payment))
}
