//! The domain onto the wire.

use holdfast_kit::{money::Money, time};
use holdfast_proto::{
    order as wire,
    types::{self, StockLine},
};

use crate::domain::{
    AdjustmentKind, Allocation, CancelPlan, Capture, Order, OrderState, Placement, Priority,
};

/// How much of an order an answer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum View {
    /// Up to and with `rejection`.
    Basic,
    /// Everything.
    Full,
}

/// An order as the wire has it.
pub(crate) fn order(order: &Order, view: View) -> wire::Order {
    let placement = &order.placement;
    let basic = wire::Order {
        order_id: order.id.to_string(),
        state: state(order.state).into(),
        version: order.version,
        total_amount: (!order.is_tombstone()).then(|| placement.total.to_wire()),
        customer_id: placement.customer_id.clone(),
        request_id: placement.request_id.clone(),
        create_time: Some(time::to_wire(order.create_time)),
        update_time: Some(time::to_wire(order.update_time)),
        // The row keeps a turned order's reason before it is rejected; callers see the end alone.
        rejection: order
            .rejection
            .as_ref()
            .filter(|_| order.state == OrderState::Rejected)
            .map(Into::into),
        ..wire::Order::default()
    };
    if view == View::Basic {
        return basic;
    }
    let money = |minor_units| (!order.is_tombstone()).then(|| amount(order, minor_units));
    wire::Order {
        lines: lines(placement),
        priority: priority(placement.priority).into(),
        capture: capture(placement.capture).into(),
        metadata: placement.metadata.clone().into_iter().collect(),
        allocations: stock_lines(order.allocated()),
        captured_amount: money(order.captured_minor_units),
        refunded_total: money(order.refunded_minor_units),
        cancel_reason: order.cancel_reason.clone(),
        adjustments: adjustments(placement),
        ..basic
    }
}

/// What a cancel gives back of an order.
pub(crate) fn cancel_plan(order: &Order, plan: CancelPlan) -> wire::CancelPlan {
    wire::CancelPlan {
        version: plan.version,
        void_amount: plan.money.map(|money| amount(order, money.void)),
        refund_amount: plan.money.map(|money| amount(order, money.refund)),
        release_lines: stock_lines(plan.release),
    }
}

fn amount(order: &Order, minor_units: i64) -> types::Money {
    let currency = order.placement.total.currency;
    Money {
        currency,
        minor_units,
    }
    .to_wire()
}

fn stock_lines(allocations: Vec<Allocation>) -> Vec<StockLine> {
    let line = |allocation: Allocation| StockLine {
        sku: allocation.sku,
        quantity: allocation.quantity,
        location_id: Some(allocation.location_id),
    };
    allocations.into_iter().map(line).collect()
}

fn lines(placement: &Placement) -> Vec<wire::OrderLine> {
    let currency = placement.total.currency;
    let numbered = placement.lines.iter().zip(1..);
    numbered
        .map(|(line, line_number)| wire::OrderLine {
            sku: line.sku.clone(),
            quantity: line.quantity,
            unit_price: Some(
                Money {
                    currency,
                    minor_units: line.unit_price,
                }
                .to_wire(),
            ),
            location_id: line.location_id.clone(),
            line_number,
        })
        .collect()
}

fn adjustments(placement: &Placement) -> Vec<wire::Adjustment> {
    let currency = placement.total.currency;
    let adjustments = placement.adjustments.iter();
    adjustments
        .map(|adjustment| wire::Adjustment {
            kind: adjustment_kind(adjustment.kind).into(),
            label: adjustment.label.clone(),
            amount: Some(
                Money {
                    currency,
                    minor_units: adjustment.amount,
                }
                .to_wire(),
            ),
        })
        .collect()
}

fn state(state: OrderState) -> wire::OrderState {
    match state {
        OrderState::Pending => wire::OrderState::Pending,
        OrderState::Confirmed => wire::OrderState::Confirmed,
        OrderState::Rejected => wire::OrderState::Rejected,
        OrderState::Cancelling => wire::OrderState::Cancelling,
        OrderState::Cancelled => wire::OrderState::Cancelled,
    }
}

fn priority(priority: Priority) -> wire::Priority {
    match priority {
        Priority::Normal => wire::Priority::Normal,
        Priority::High => wire::Priority::High,
        Priority::Low => wire::Priority::Low,
    }
}

fn capture(capture: Capture) -> wire::CaptureMode {
    match capture {
        Capture::OnConfirm => wire::CaptureMode::OnConfirm,
        Capture::OnFulfillment => wire::CaptureMode::OnFulfillment,
    }
}

fn adjustment_kind(kind: AdjustmentKind) -> wire::AdjustmentKind {
    match kind {
        AdjustmentKind::Shipping => wire::AdjustmentKind::Shipping,
        AdjustmentKind::Tax => wire::AdjustmentKind::Tax,
        AdjustmentKind::Discount => wire::AdjustmentKind::Discount,
        AdjustmentKind::Other => wire::AdjustmentKind::Other,
    }
}
