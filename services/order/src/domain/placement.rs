//! What a customer asks for, as received. It never changes, and its total is checked arithmetic.

use std::{collections::BTreeMap, time::Duration};

use holdfast_kit::{
    id::Shard,
    money::{Currency, Money},
};
use serde::{Deserialize, Serialize};

/// How long a saga may take to decide where the caller does not say.
pub(crate) const DECIDE_WITHIN_DEFAULT: Duration = Duration::from_secs(30);

/// One line of an order; its number is its place, from 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line {
    /// The SKU.
    pub(crate) sku: String,
    /// Units, 1 to 1,000,000.
    pub(crate) quantity: i64,
    /// Price of one unit in minor units, 0 or more.
    pub(crate) unit_price: i64,
    /// The location to take it from; `None` lets the service pick.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) location_id: Option<String>,
}

/// What an adjustment is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum AdjustmentKind {
    /// Bringing the goods.
    Shipping,
    /// Tax, as the caller computed it.
    Tax,
    /// A discount.
    Discount,
    /// Anything else.
    Other,
}

/// Something that changes an order's total and is not goods.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Adjustment {
    /// What for.
    pub(crate) kind: AdjustmentKind,
    /// What people call it.
    pub(crate) label: String,
    /// How much, signed, in minor units.
    pub(crate) amount: i64,
}

/// When a payment is captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Capture {
    /// Charged whole before the order is confirmed.
    OnConfirm,
    /// Authorized before the order is confirmed, and captured later.
    OnFulfillment,
}

/// How urgent an order is when the service must choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Priority {
    /// The usual.
    Normal,
    /// Shed after the usual.
    High,
    /// Shed before the usual.
    Low,
}

/// An order as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Placement {
    /// Whose order it is.
    pub(crate) customer_id: String,
    /// The caller's key, in the scope of the customer.
    pub(crate) request_id: String,
    /// What is ordered, 1 to 1,000 lines.
    pub(crate) lines: Vec<Line>,
    /// What is added to or taken off the lines' price.
    pub(crate) adjustments: Vec<Adjustment>,
    /// Σ lines + Σ adjustments, 0 or more.
    pub(crate) total: Money,
    /// The provider's token; empty only for a total of 0.
    pub(crate) payment_method: String,
    /// When the payment is captured.
    pub(crate) capture: Capture,
    /// How urgent it is.
    pub(crate) priority: Priority,
    /// How long the saga may take to decide; `None`: the default.
    pub(crate) decide_within: Option<Duration>,
    /// The caller's own pairs.
    pub(crate) metadata: BTreeMap<String, String>,
}

impl Placement {
    /// Where the customer's orders live.
    #[must_use]
    pub(crate) fn shard(&self) -> Shard {
        Shard::of_customer(&self.customer_id)
    }

    /// How long the saga may take to decide.
    #[must_use]
    pub(crate) fn decide_within(&self) -> Duration {
        self.decide_within.unwrap_or(DECIDE_WITHIN_DEFAULT)
    }
}

/// The field at which an order's total passes 10^15 minor units, or stays below 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OutOfRange {
    /// Its path.
    pub(crate) field: String,
}

/// Sums lines and adjustments.
///
/// # Errors
/// [`OutOfRange`] if a product or a sum passes 10^15 minor units, or the total is below 0.
pub(crate) fn total_of(
    currency: Currency,
    lines: &[Line],
    adjustments: &[Adjustment],
) -> Result<Money, OutOfRange> {
    let mut total = Money::zero(currency);
    for (index, line) in lines.iter().enumerate() {
        total = Money::new(currency, line.unit_price)
            .and_then(|price| price.checked_mul(line.quantity))
            .and_then(|price| total.checked_add(price))
            .map_err(|_| OutOfRange {
                field: format!("lines[{index}].unit_price"),
            })?;
    }
    for (index, adjustment) in adjustments.iter().enumerate() {
        total = Money::new(currency, adjustment.amount)
            .and_then(|amount| total.checked_add(amount))
            .map_err(|_| OutOfRange {
                field: format!("adjustments[{index}].amount"),
            })?;
    }
    if total.minor_units < 0 {
        return Err(OutOfRange {
            field: "adjustments".to_owned(),
        });
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::{Adjustment, AdjustmentKind, Line, total_of};

    fn line(quantity: i64, unit_price: i64) -> Line {
        Line {
            sku: "A".into(),
            quantity,
            unit_price,
            location_id: None,
        }
    }

    fn off(amount: i64) -> Adjustment {
        Adjustment {
            kind: AdjustmentKind::Discount,
            label: String::new(),
            amount,
        }
    }

    #[test]
    fn a_total_is_lines_and_adjustments() {
        let eur = "EUR".parse().expect("a currency");
        let total = |lines: &[Line], adjustments: &[Adjustment]| {
            total_of(eur, lines, adjustments)
                .map(|total| total.minor_units)
                .map_err(|out_of_range| out_of_range.field)
        };
        assert_eq!(total(&[line(2, 1_999), line(1, 5)], &[off(-3)]), Ok(4_000));
        assert_eq!(total(&[line(1, 5)], &[off(-5)]), Ok(0));
        let field = |field: &str| Err(field.to_owned());
        assert_eq!(
            total(&[line(1, 5)], &[off(-6)]),
            field("adjustments"),
            "below 0"
        );
        assert_eq!(
            total(&[line(1_000_000, 1_000_000_001)], &[]),
            field("lines[0].unit_price"),
            "a product passes 10^15"
        );
        let large = [line(1_000_000, 600_000_000), line(1_000_000, 600_000_000)];
        assert_eq!(
            total(&large, &[]),
            field("lines[1].unit_price"),
            "a sum passes 10^15"
        );
        assert_eq!(
            total(&large[..1], &[off(0), off(600_000_000_000_000)]),
            field("adjustments[1].amount")
        );
    }
}
