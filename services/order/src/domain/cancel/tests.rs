//! What a cancel does, state by state, and what it gives back.

use std::{collections::BTreeMap, sync::Arc};

use chrono::DateTime;
use holdfast_kit::{
    id::{OrderId, Shard},
    money::Money,
    refusal::{Reason, Refusal},
};

use super::{Cancel, CancelPlan, MoneyBack, VersionMismatch, cancel};
use crate::domain::{Allocation, Capture, Line, Order, OrderState, Placement, Priority};

fn order(state: OrderState, captured_minor_units: i64) -> Order {
    let line = Line {
        sku: "A".into(),
        quantity: 2,
        unit_price: 250,
        location_id: None,
    };
    let placement = Placement {
        customer_id: "c".into(),
        request_id: "r".into(),
        lines: vec![line],
        adjustments: Vec::new(),
        total: Money::new("EUR".parse().expect("a currency"), 500).expect("in range"),
        payment_method: "tok_ok".into(),
        capture: Capture::OnConfirm,
        priority: Priority::Normal,
        decide_within: None,
        metadata: BTreeMap::new(),
    };
    Order {
        id: OrderId::generate(Shard::of_customer("c")),
        placement: Arc::new(placement),
        state,
        version: 7,
        create_time: DateTime::default(),
        update_time: DateTime::default(),
        rejection: None,
        allocations: None,
        captured_minor_units,
        refunded_minor_units: 0,
        cancel_reason: String::new(),
    }
}

fn plan(money: Option<MoneyBack>, release: Vec<Allocation>) -> CancelPlan {
    CancelPlan {
        version: 7,
        money,
        release,
    }
}

#[test]
fn every_state_has_its_cancel() {
    let turned = Order {
        rejection: Some(Refusal::new(Reason::PaymentDeclined, "no")),
        ..order(OrderState::Pending, 0)
    };
    let units = Allocation {
        sku: "A".into(),
        quantity: 2,
        location_id: "default".into(),
    };
    let charged = MoneyBack {
        void: 0,
        refund: 500,
    };
    let authorized = MoneyBack {
        void: 500,
        refund: 0,
    };
    let begun = |money| Cancel::Begin(plan(Some(money), vec![units.clone()]));
    for (order, expected) in [
        (
            order(OrderState::Pending, 0),
            Cancel::Turn(plan(None, Vec::new())),
        ),
        (turned, Cancel::AsItIs),
        (order(OrderState::Confirmed, 500), begun(charged)),
        (order(OrderState::Confirmed, 0), begun(authorized)),
        (order(OrderState::Rejected, 0), Cancel::AsItIs),
        (order(OrderState::Cancelling, 500), Cancel::AsItIs),
        (order(OrderState::Cancelled, 500), Cancel::AsItIs),
    ] {
        assert_eq!(cancel(&order, Some(7)), Ok(expected.clone()), "{order:?}");
        assert_eq!(cancel(&order, None), Ok(expected));
        let mismatch = VersionMismatch {
            expected: 6,
            actual: 7,
        };
        assert_eq!(cancel(&order, Some(6)), Err(mismatch));
    }
}

#[test]
fn a_plan_is_kept_as_it_is_read_back() {
    let money = MoneyBack { void: 1, refund: 2 };
    for (plan, stored) in [
        (plan(None, Vec::new()), r#"{"version":7,"release":[]}"#),
        (
            plan(Some(money), Vec::new()),
            r#"{"version":7,"void":1,"refund":2,"release":[]}"#,
        ),
    ] {
        assert_eq!(serde_json::to_string(&plan).ok().as_deref(), Some(stored));
        let read: CancelPlan = serde_json::from_str(stored).expect("it is read back");
        assert_eq!(read, plan);
    }
}
