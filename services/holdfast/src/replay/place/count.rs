//! What came of the orders, counted.
//!
//! The rule: every order of the plan is counted once, and money only where it was confirmed.

use std::collections::BTreeMap;

use holdfast_kit::refusal::{CallError, Reason, name_of};
use holdfast_proto::order::{OrderState, PlaceOrderResponse};

use crate::replay::plan::Order;
use holdfast::client::describe;

/// How many orders that did not end as they should are told one by one.
const TOLD_MAX: usize = 10;

/// What came of the orders.
#[derive(Debug, Default)]
pub(in crate::replay) struct Placed {
    /// Orders whose goods were set aside and whose payment was taken.
    pub(in crate::replay) confirmed: u64,
    /// Orders that were rejected, by reason.
    pub(in crate::replay) rejected: BTreeMap<&'static str, u64>,
    /// Calls that did nothing, by reason.
    pub(in crate::replay) refused: BTreeMap<&'static str, u64>,
    /// Orders whose answer is not known.
    pub(in crate::replay) unknown: u64,
    /// Orders that had been placed before.
    pub(in crate::replay) replayed: u64,
    /// Lines of the confirmed ones.
    pub(in crate::replay) lines: usize,
    /// Units of the confirmed ones.
    pub(in crate::replay) units: i64,
    /// What the confirmed ones come to, in pence, as the file has it.
    pub(in crate::replay) pence: i128,
    /// Orders that the service totals otherwise than the file.
    pub(in crate::replay) wrong_totals: u64,
    /// Some of those that did not end as they should, and why.
    pub(in crate::replay) told: Vec<String>,
}

impl Placed {
    /// Counts one order.
    pub(super) fn add(&mut self, order: &Order, answer: Result<PlaceOrderResponse, CallError>) {
        match answer {
            Ok(response) => self.add_answer(order, response),
            Err(error) => {
                match &error {
                    CallError::Refused(refusal) => {
                        *self.refused.entry(name_of(refusal.reason)).or_default() += 1;
                    }
                    CallError::Unknown(_) => self.unknown += 1,
                }
                self.tell(order, &describe(&error));
            }
        }
    }

    fn add_answer(&mut self, order: &Order, response: PlaceOrderResponse) {
        self.replayed += u64::from(response.replayed);
        let answered = response.order.unwrap_or_default();
        let total = answered
            .total_amount
            .as_ref()
            .map(|total| i128::from(total.minor_units));
        if total != Some(order.total()) {
            self.wrong_totals += 1;
            self.tell(order, "its total is not that of the file");
        }
        match answered.state() {
            OrderState::Confirmed => {
                self.confirmed += 1;
                self.lines += order.lines.len();
                self.units += order.units();
                self.pence += order.total();
            }
            OrderState::Rejected => {
                let reason = answered
                    .rejection
                    .map_or(Reason::Unspecified, |r| r.reason());
                *self.rejected.entry(name_of(reason)).or_default() += 1;
                self.tell(order, name_of(reason));
            }
            OrderState::Pending
            | OrderState::Cancelling
            | OrderState::Cancelled
            | OrderState::Unspecified => {
                self.unknown += 1;
                self.tell(order, "answered without a decision");
            }
        }
    }

    fn tell(&mut self, order: &Order, why: &str) {
        if self.told.len() < TOLD_MAX {
            self.told.push(format!("invoice {}: {why}", order.invoice));
        }
    }

    /// Says whether everything ended as it should: with limited stock an order may be short of it.
    ///
    /// # Errors
    /// What did not.
    pub(in crate::replay) fn verdict(&self, stock: Option<i64>) -> anyhow::Result<()> {
        let mut rejected: u64 = self.rejected.values().sum();
        if stock.is_some() {
            rejected -= self.rejected.get(name_of(Reason::OutOfStock)).unwrap_or(&0);
        }
        let refused: u64 = self.refused.values().sum();
        let (unknown, wrong) = (self.unknown, self.wrong_totals);
        anyhow::ensure!(
            rejected + refused + unknown + wrong == 0,
            "{rejected} orders were rejected, {refused} refused, {unknown} are unknown, \
             {wrong} have another total than the file"
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use holdfast_kit::refusal::{CallError, Reason, Refusal, Unknown};
    use holdfast_proto::{
        order::{self as wire, OrderState, PlaceOrderResponse},
        types::{self, Money},
    };

    use super::{Order, Placed};
    use crate::replay::plan::Line;

    fn order() -> Order {
        let line = |quantity, unit_price| Line {
            sku: 0,
            quantity,
            unit_price,
        };
        Order {
            invoice: "536365".to_owned(),
            customer_id: "17850".to_owned(),
            request_id: "invoice-536365".to_owned(),
            lines: vec![line(6, 255), line(2, 210)],
        }
    }

    fn answer(state: OrderState, minor_units: i64) -> Result<PlaceOrderResponse, CallError> {
        let rejection = types::Refusal {
            reason: Reason::OutOfStock.into(),
            ..types::Refusal::default()
        };
        let order = wire::Order {
            state: state.into(),
            total_amount: Some(Money {
                currency_code: "GBP".to_owned(),
                minor_units,
            }),
            rejection: (state == OrderState::Rejected).then_some(rejection),
            ..wire::Order::default()
        };
        Ok(PlaceOrderResponse {
            order: Some(order),
            replayed: false,
        })
    }

    #[test]
    fn confirmed_orders_bring_lines_units_and_money() {
        let mut placed = Placed::default();
        placed.add(&order(), answer(OrderState::Confirmed, 1_950));
        placed.add(&order(), answer(OrderState::Confirmed, 1_950));
        assert_eq!((placed.confirmed, placed.lines, placed.units), (2, 4, 16));
        assert_eq!(placed.pence, 3_900);
        assert!(placed.verdict(None).is_ok());
    }

    #[test]
    fn short_stock_is_a_failure_only_where_there_was_to_be_enough() {
        let mut placed = Placed::default();
        placed.add(&order(), answer(OrderState::Rejected, 1_950));
        assert_eq!(placed.rejected.get("OUT_OF_STOCK"), Some(&1));
        assert!(placed.verdict(None).is_err());
        assert!(placed.verdict(Some(3)).is_ok());
        assert_eq!((placed.pence, placed.units), (0, 0));
    }

    #[test]
    fn refused_unknown_and_wrongly_totalled_orders_are_failures() {
        let refused = Refusal::new(Reason::IdempotencyKeyReused, "another body");
        for bad in [
            Err(refused.into()),
            Err(Unknown::database_unavailable().into()),
            answer(OrderState::Confirmed, 1_949),
            answer(OrderState::Pending, 1_950),
            Ok(PlaceOrderResponse::default()),
        ] {
            let mut placed = Placed::default();
            placed.add(&order(), bad);
            assert!(placed.verdict(Some(3)).is_err(), "{placed:?}");
            assert!(!placed.told.is_empty());
        }
    }
}
