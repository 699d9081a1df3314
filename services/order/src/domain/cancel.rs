//! Cancelling: what it does to an order at one of its versions, and when it is refused.

use holdfast_kit::{
    id::OrderId,
    refusal::{Reason, Refusal},
};
use serde::{Deserialize, Serialize};

use super::{Allocation, Order, OrderState};

/// Which order is to be cancelled.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Target {
    /// The one with this id.
    Order(OrderId),
    /// The one that this key placed, or will not place any more.
    Placement {
        /// Whose.
        customer_id: String,
        /// The key.
        request_id: String,
    },
}

/// One order to be cancelled.
#[derive(Clone, Debug)]
pub(crate) struct CancelItem {
    /// Which.
    pub(crate) target: Target,
    /// The caller's key, in the scope of the order.
    pub(crate) request_id: String,
    /// Why, for the history.
    pub(crate) reason: String,
    /// The version that it is to be at.
    pub(crate) expected_version: Option<i64>,
}

/// What cancelling an order gives back. While it is PENDING nothing is decided, so nothing is listed:
/// whatever its saga has taken by then comes back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CancelPlan {
    /// The version that it holds for.
    pub(crate) version: i64,
    /// Money of a confirmed order.
    #[serde(flatten)]
    pub(crate) money: Option<MoneyBack>,
    /// Units that become available again.
    pub(crate) release: Vec<Allocation>,
}

/// Money that a cancel gives back, in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MoneyBack {
    /// Authorized and not captured.
    pub(crate) void: i64,
    /// Captured and not refunded.
    pub(crate) refund: i64,
}

impl CancelPlan {
    /// What cancelling `order` would give back; `None`: there is nothing left to cancel, since it has
    /// ended or is on its way to an end without stock and money.
    #[must_use]
    pub(crate) fn of(order: &Order) -> Option<Self> {
        let money = match order.state {
            OrderState::Pending if order.has_turned() => return None,
            OrderState::Pending => None,
            OrderState::Confirmed => Some(MoneyBack {
                void: order.placement.total.minor_units - order.captured_minor_units,
                refund: order.captured_minor_units - order.refunded_minor_units,
            }),
            OrderState::Rejected | OrderState::Cancelling | OrderState::Cancelled => return None,
        };
        Some(Self {
            version: order.version,
            money,
            release: order.allocated(),
        })
    }
}

/// What a cancel does to an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cancel {
    /// Its running saga is turned and taken over.
    Turn(CancelPlan),
    /// A saga of its own takes back what the confirmed order has.
    Begin(CancelPlan),
    /// Nothing: it has ended, or is on its way to an end without stock and money.
    AsItIs,
}

/// The order is at another version than the caller decided upon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct VersionMismatch {
    /// The version that the caller expected.
    pub(crate) expected: i64,
    /// The order's version.
    pub(crate) actual: i64,
}

impl From<VersionMismatch> for Refusal {
    fn from(mismatch: VersionMismatch) -> Self {
        Self::new(
            Reason::VersionMismatch,
            "the order is no longer at the version expected",
        )
        .with_metadata("expected", mismatch.expected.to_string())
        .with_metadata("actual", mismatch.actual.to_string())
    }
}

/// Decides what a cancel does to `order`.
///
/// # Errors
/// [`VersionMismatch`] if it is not at the `expected` version.
pub(crate) fn cancel(order: &Order, expected: Option<i64>) -> Result<Cancel, VersionMismatch> {
    if let Some(expected) = expected.filter(|expected| *expected != order.version) {
        return Err(VersionMismatch {
            expected,
            actual: order.version,
        });
    }
    Ok(match CancelPlan::of(order) {
        None => Cancel::AsItIs,
        // Of what is confirmed alone it is known what money there is.
        Some(plan) if plan.money.is_some() => Cancel::Begin(plan),
        Some(plan) => Cancel::Turn(plan),
    })
}

#[cfg(test)]
mod tests;
