//! Builds orders to be placed.
//!
//! The rule: what a test does not say is what most callers would send: one line at 1.00 EUR, a
//! token that pays, everything else absent.

use std::time::Duration;

use holdfast_proto::{
    order::{
        Adjustment, AdjustmentKind, CaptureMode, OrderLine, PlaceOrderRequest, Priority, WaitFor,
    },
    types::Money,
};
use uuid::Uuid;

/// What a line costs where nobody says otherwise, in cents.
pub const UNIT_PRICE: i64 = 100;

/// A name that nothing else in any cluster has, up to 64 characters of a caller's id.
pub fn unique(prefix: &str) -> String {
    format!("{prefix}-{}", Uuid::now_v7().simple())
}

/// An amount in euros.
pub fn euros(minor_units: i64) -> Money {
    Money {
        currency_code: "EUR".into(),
        minor_units,
    }
}

/// An order that is being put together.
#[derive(Clone, Debug)]
pub struct Placement(PlaceOrderRequest);

impl Placement {
    /// An order of this customer without lines, under a key of its own.
    pub fn of(customer_id: &str) -> Self {
        Self(PlaceOrderRequest {
            customer_id: customer_id.into(),
            request_id: unique("request"),
            payment_method: "tok_ok".into(),
            ..PlaceOrderRequest::default()
        })
    }

    /// Under this key.
    #[must_use]
    pub fn key(mut self, request_id: &str) -> Self {
        self.0.request_id = request_id.into();
        self
    }

    /// With a line.
    #[must_use]
    pub fn line(self, sku: &str, quantity: i64) -> Self {
        self.priced_line(sku, quantity, UNIT_PRICE)
    }

    /// With a line whose units cost so many cents.
    #[must_use]
    pub fn priced_line(mut self, sku: &str, quantity: i64, unit_price: i64) -> Self {
        self.0.lines.push(OrderLine {
            sku: sku.into(),
            quantity,
            unit_price: Some(euros(unit_price)),
            ..OrderLine::default()
        });
        self
    }

    /// With a line that comes from this location.
    #[must_use]
    pub fn line_from(mut self, location_id: &str, sku: &str, quantity: i64) -> Self {
        self = self.line(sku, quantity);
        if let Some(line) = self.0.lines.last_mut() {
            line.location_id = Some(location_id.into());
        }
        self
    }

    /// Paid by this token.
    #[must_use]
    pub fn token(mut self, payment_method: &str) -> Self {
        self.0.payment_method = payment_method.into();
        self
    }

    /// Answered as soon as it is durable.
    #[must_use]
    pub fn accepted(mut self) -> Self {
        self.0.wait_for = WaitFor::Accepted.into();
        self
    }

    /// To be decided within that time.
    #[must_use]
    pub fn within(mut self, decide_within: Duration) -> Self {
        self.0.decide_within = prost_types::Duration::try_from(decide_within).ok();
        self
    }

    /// Only authorized now.
    #[must_use]
    pub fn on_fulfillment(mut self) -> Self {
        self.0.capture = CaptureMode::OnFulfillment.into();
        self
    }

    /// With this priority.
    #[must_use]
    pub fn priority(mut self, priority: Priority) -> Self {
        self.0.priority = priority.into();
        self
    }

    /// With so many cents on top, or off.
    #[must_use]
    pub fn adjusted(mut self, kind: AdjustmentKind, minor_units: i64) -> Self {
        self.0.adjustments.push(Adjustment {
            kind: kind.into(),
            label: kind.as_str_name().to_lowercase(),
            amount: Some(euros(minor_units)),
        });
        self
    }

    /// With a pair of the caller's own.
    #[must_use]
    pub fn pair(mut self, key: &str, value: &str) -> Self {
        self.0.metadata.insert(key.into(), value.into());
        self
    }

    /// With anything else changed.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut PlaceOrderRequest)) -> Self {
        change(&mut self.0);
        self
    }

    /// The request.
    pub fn request(self) -> PlaceOrderRequest {
        self.0
    }
}

impl From<Placement> for PlaceOrderRequest {
    fn from(placement: Placement) -> Self {
        placement.0
    }
}
