//! An order: what was asked and what came of it.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use holdfast_kit::{
    id::OrderId,
    money::Currency,
    refusal::{Reason, Refusal},
};
use serde::{Deserialize, Serialize};

use super::{Line, Placement};

/// The location of units for which nobody named one.
const DEFAULT_LOCATION: &str = "default";

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum OrderState {
    /// Accepted and durable; its saga runs.
    Pending,
    /// Stock is allocated and the payment charged or authorized.
    Confirmed,
    /// Refused; no stock is allocated and no money is kept.
    Rejected,
    /// A cancel has won; what the order had is on its way back.
    Cancelling,
    /// Cancelled; no stock is allocated and no money is kept.
    Cancelled,
}

impl OrderState {
    /// Whether no saga is at work on the order.
    #[must_use]
    pub(crate) fn is_decided(self) -> bool {
        match self {
            Self::Pending | Self::Cancelling => false,
            Self::Confirmed | Self::Rejected | Self::Cancelled => true,
        }
    }

    /// Whether it is never left.
    #[must_use]
    pub(crate) fn is_terminal(self) -> bool {
        match self {
            Self::Pending | Self::Confirmed | Self::Cancelling => false,
            Self::Rejected | Self::Cancelled => true,
        }
    }
}

/// Units of one SKU and the location that gives them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Allocation {
    /// The SKU.
    pub(crate) sku: String,
    /// Units.
    pub(crate) quantity: i64,
    /// The location.
    pub(crate) location_id: String,
}

/// An order at one of its versions.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Order {
    /// Its id.
    pub(crate) id: OrderId,
    /// What was asked.
    pub(crate) placement: Arc<Placement>,
    /// Where it stands.
    pub(crate) state: OrderState,
    /// Starts at 1 and goes up by one with each change.
    pub(crate) version: i64,
    /// When it was accepted, by the database's clock.
    pub(crate) create_time: DateTime<Utc>,
    /// When this version was made.
    pub(crate) update_time: DateTime<Utc>,
    /// Why it was rejected.
    pub(crate) rejection: Option<Refusal>,
    /// Where its stock comes from; `None`: from where its lines named it, or from the default.
    pub(crate) allocations: Option<Vec<Allocation>>,
    /// Money captured, in minor units.
    pub(crate) captured_minor_units: i64,
    /// Money refunded, in minor units.
    pub(crate) refunded_minor_units: i64,
    /// What the winning cancel gave as its reason; empty: nothing.
    pub(crate) cancel_reason: String,
}

impl Order {
    /// What a call about an order that is not there is refused with.
    pub(crate) fn not_found() -> Refusal {
        Refusal::new(Reason::OrderNotFound, "there is no such order")
    }

    /// Which location gives what, one entry per SKU and location; none unless it is confirmed.
    #[must_use]
    pub(crate) fn allocated(&self) -> Vec<Allocation> {
        match (self.state, &self.allocations) {
            (OrderState::Confirmed, Some(allocations)) => allocations.clone(),
            (OrderState::Confirmed, None) => as_named(&self.placement.lines),
            (
                OrderState::Pending
                | OrderState::Rejected
                | OrderState::Cancelling
                | OrderState::Cancelled,
                _,
            ) => Vec::new(),
        }
    }

    /// Whether its saga has decided to compensate: the reason is written with the turn.
    #[must_use]
    pub(crate) fn has_turned(&self) -> bool {
        self.state == OrderState::Pending && self.rejection.is_some()
    }

    /// Whether it was cancelled before it was ever placed: it has no lines and no amounts.
    #[must_use]
    pub(crate) fn is_tombstone(&self) -> bool {
        self.placement.total.currency == Currency::NONE
    }
}

fn as_named(lines: &[Line]) -> Vec<Allocation> {
    let mut allocated: Vec<Allocation> = Vec::with_capacity(lines.len());
    let mut places = std::collections::HashMap::with_capacity(lines.len());
    for line in lines {
        let location = line.location_id.as_deref().unwrap_or(DEFAULT_LOCATION);
        let place = *places
            .entry((line.sku.as_str(), location))
            .or_insert(allocated.len());
        match allocated.get_mut(place) {
            Some(same) => same.quantity += line.quantity,
            None => allocated.push(Allocation {
                sku: line.sku.clone(),
                quantity: line.quantity,
                location_id: location.to_owned(),
            }),
        }
    }
    allocated
}
