//! What the callers were told, kept outside every process of the cluster.
//!
//! The rule: each answer is held against every other one under its key, and at the end against what
//! the service says then. What was acknowledged is there (D1), a decision never changes (D2), a key
//! has one order (K1) and never an earlier version of it (K2).

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, PoisonError},
};

use anyhow::ensure;
use holdfast_proto::order::{Order, OrderState, PlaceOrderRequest};

use crate::orders::Orders;

/// Violations that are named; the rest is counted.
const NAMED_MAX: usize = 10;

/// Customer and request_id.
type Key = (String, String);

/// The last that a caller was told of an order.
#[derive(Clone, Debug)]
struct Told {
    order_id: String,
    state: OrderState,
    version: i64,
    total: i64,
}

#[derive(Debug, Default)]
struct Book {
    told: HashMap<Key, Told>,
    answers: u64,
    violations: Vec<String>,
}

/// The callers' book; all callers of a run share one.
#[derive(Debug, Default)]
pub struct Ledger {
    book: Mutex<Book>,
}

/// What a ledger adds up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Answers with an order, replays among them.
    pub answers: u64,
    /// Orders acknowledged.
    pub orders: usize,
    /// Of those, CONFIRMED.
    pub confirmed: usize,
    /// Of those, REJECTED.
    pub rejected: usize,
    /// Orders that were cancelled.
    pub cancelled: usize,
}

impl Ledger {
    /// Takes down an answer.
    pub fn record(&self, request: &PlaceOrderRequest, order: &Order) {
        let mut book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        book.answers += 1;
        let key = (request.customer_id.clone(), request.request_id.clone());
        let new = told(order);
        let violation = book.told.get(&key).and_then(|old| changed(old, &new));
        let violation = violation.map(|what| format!("{key:?}: {what}"));
        book.violations.extend(violation);
        book.told.insert(key, new);
    }

    /// How many answers were taken down so far.
    pub fn answers(&self) -> u64 {
        self.book
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .answers
    }

    /// Holds the book against what the service says now.
    ///
    /// # Errors
    /// With what is violated, or if the service cannot be read.
    pub async fn check(&self, orders: &Orders) -> anyhow::Result<Tally> {
        let (told, answers, mut violations) = {
            let book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
            (book.told.clone(), book.answers, book.violations.clone())
        };
        let mut tally = Tally {
            answers,
            orders: told.len(),
            ..Tally::default()
        };
        let customers: HashSet<&String> = told.keys().map(|(customer, _)| customer).collect();
        let mut found = HashMap::with_capacity(told.len());
        for customer in customers {
            for order in orders.of_customer(customer).await? {
                match order.state() {
                    OrderState::Confirmed => tally.confirmed += 1,
                    OrderState::Rejected => tally.rejected += 1,
                    OrderState::Cancelled => tally.cancelled += 1,
                    OrderState::Pending | OrderState::Cancelling | OrderState::Unspecified => {
                        violations.push(format!("{} is not decided", order.order_id));
                    }
                }
                let key = (order.customer_id.clone(), order.request_id.clone());
                if let Some(other) = found.insert(key, order) {
                    violations.push(format!(
                        "K1: a second order under the key of {}",
                        other.order_id
                    ));
                }
            }
        }
        for (key, old) in &told {
            let violation = match found.get(key) {
                None => Some("D1: acknowledged and gone".to_owned()),
                Some(order) => changed(old, &self::told(order)),
            };
            violations.extend(violation.map(|what| format!("{key:?}: {what}")));
        }
        let named = violations
            .iter()
            .take(NAMED_MAX)
            .cloned()
            .collect::<Vec<_>>()
            .join("; ");
        ensure!(
            violations.is_empty(),
            "{} violations: {named}",
            violations.len()
        );
        Ok(tally)
    }
}

fn told(order: &Order) -> Told {
    Told {
        order_id: order.order_id.clone(),
        state: order.state(),
        version: order.version,
        total: order
            .total_amount
            .as_ref()
            .map_or(0, |total| total.minor_units),
    }
}

/// What may not have changed from one answer to a later one.
fn changed(old: &Told, new: &Told) -> Option<String> {
    if old.order_id != new.order_id {
        return Some(format!(
            "K1: order {} and then {}",
            old.order_id, new.order_id
        ));
    }
    if old.state != OrderState::Pending && old.state != new.state {
        return Some(format!("D2: {:?} and then {:?}", old.state, new.state));
    }
    if new.version < old.version {
        return Some(format!(
            "K2: version {} and then {}",
            old.version, new.version
        ));
    }
    (old.total != new.total).then(|| format!("its total was {} and is {}", old.total, new.total))
}

#[cfg(test)]
mod tests {
    use holdfast_proto::order::{Order, OrderState, PlaceOrderRequest};

    use super::{Ledger, Told, changed};

    fn told(order_id: &str, state: OrderState, version: i64) -> Told {
        Told {
            order_id: order_id.into(),
            state,
            version,
            total: 1,
        }
    }

    #[test]
    fn a_decision_an_order_and_a_version_may_not_go_back() {
        let (pending, confirmed) = (OrderState::Pending, OrderState::Confirmed);
        let first = told("a", pending, 1);
        assert_eq!(changed(&first, &told("a", confirmed, 2)), None);
        assert!(changed(&first, &told("b", confirmed, 2)).is_some_and(|it| it.starts_with("K1")));
        let decided = told("a", confirmed, 2);
        let refused = told("a", OrderState::Rejected, 3);
        assert!(changed(&decided, &refused).is_some_and(|it| it.starts_with("D2")));
        let earlier = told("a", confirmed, 1);
        assert!(changed(&decided, &earlier).is_some_and(|it| it.starts_with("K2")));
    }

    #[test]
    fn what_was_recorded_is_counted_and_compared() {
        let ledger = Ledger::default();
        let order = |id: &str| Order {
            order_id: id.into(),
            ..Order::default()
        };
        ledger.record(&PlaceOrderRequest::default(), &order("a"));
        ledger.record(&PlaceOrderRequest::default(), &order("a"));
        assert_eq!(ledger.answers(), 2);
        assert!(ledger.book.lock().unwrap().violations.is_empty());
        ledger.record(&PlaceOrderRequest::default(), &order("b"));
        assert_eq!(ledger.book.lock().unwrap().violations.len(), 1);
    }
}
