//! Requests into the domain.

use std::time::Duration;

use holdfast_kit::{
    money::{Currency, Money},
    refusal::{FieldViolation, Reason, Refusal},
    time,
    validate::{self, Violations},
};
use holdfast_proto::order as wire;

use crate::domain::{
    Adjustment, AdjustmentKind, Capture, Line, OrderState, OutOfRange, Placement, Priority,
    total_of,
};

/// Lines of an order at the most; real wholesale baskets reach 600.
const LINES_MAX: usize = 1_000;
/// Adjustments of an order at the most.
const ADJUSTMENTS_MAX: usize = 16;
/// Pairs of an order's metadata at the most.
const METADATA_MAX: usize = 16;
/// Characters of an adjustment's label at the most.
const LABEL_CHARS_MAX: usize = 64;
/// Characters of a payment method at the most.
const PAYMENT_METHOD_CHARS_MAX: usize = 255;
/// The bounds of decide_within.
const DECIDE_WITHIN: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_secs(24 * 60 * 60);

/// A valid request.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) placement: Placement,
    /// Whether to answer as soon as the order is durable.
    pub(crate) accepted_is_enough: bool,
}

/// Reads a PlaceOrderRequest.
///
/// # Errors
/// INVALID_FIELD, PAN_REFUSED, CURRENCY_MISMATCH or AMOUNT_OUT_OF_RANGE.
pub(crate) fn placement(request: wire::PlaceOrderRequest) -> Result<Asked, Refusal> {
    let mut v = Violations::new();
    validate::caller_id(&mut v, "customer_id", &request.customer_id);
    validate::caller_id(&mut v, "request_id", &request.request_id);
    validate::pairs(&mut v, "metadata", &request.metadata, METADATA_MAX);
    let capture = capture(&mut v, request.capture);
    let priority = priority(&mut v, request.priority);
    let accepted_is_enough = wait_for(&mut v, request.wait_for);
    let decide_within = decide_within(&mut v, request.decide_within);
    let mut currencies = Vec::with_capacity(request.lines.len());
    let lines = lines(&mut v, request.lines, &mut currencies);
    let adjustments = adjustments(&mut v, request.adjustments, &mut currencies);
    payment_method(&mut v, &request.payment_method);
    v.into_result()?;

    let total = total(&currencies, &lines, &adjustments)?;
    if total.minor_units > 0 && request.payment_method.is_empty() {
        return Err(Refusal::invalid_field(
            "payment_method",
            "required unless the total is 0",
        ));
    }
    Ok(Asked {
        accepted_is_enough,
        placement: Placement {
            customer_id: request.customer_id,
            request_id: request.request_id,
            lines,
            adjustments,
            total,
            payment_method: request.payment_method,
            capture,
            priority,
            decide_within,
            metadata: request.metadata.into_iter().collect(),
        },
    })
}

fn total(
    currencies: &[(String, Currency)],
    lines: &[Line],
    adjustments: &[Adjustment],
) -> Result<Money, Refusal> {
    let (_, currency) = currencies[0];
    if let Some((field, other)) = currencies.iter().find(|(_, other)| *other != currency) {
        let message = format!("{field} is in {other}, the first line in {currency}");
        let field = format!("{field}.currency_code");
        return Err(refused(Reason::CurrencyMismatch, message, field));
    }
    total_of(currency, lines, adjustments).map_err(|OutOfRange { field }| {
        let message = "the order's total passes 10^15 minor units or is below 0";
        refused(Reason::AmountOutOfRange, message.to_owned(), field)
    })
}

/// The refusal that names one field, for another reason than the field alone.
fn refused(reason: Reason, message: String, field: String) -> Refusal {
    let violation = FieldViolation {
        field,
        description: message.clone(),
    };
    Refusal::new(reason, message).with_field_violations(vec![violation])
}

fn lines(
    v: &mut Violations,
    lines: Vec<wire::OrderLine>,
    currencies: &mut Vec<(String, Currency)>,
) -> Vec<Line> {
    if lines.is_empty() || lines.len() > LINES_MAX {
        v.push("lines", format!("1 to {LINES_MAX} lines"));
        return Vec::new();
    }
    let mut read = Vec::with_capacity(lines.len());
    for (index, line) in lines.into_iter().enumerate() {
        validate::sku(v, format_args!("lines[{index}].sku"), &line.sku);
        validate::quantity(v, format_args!("lines[{index}].quantity"), line.quantity);
        if let Some(location) = &line.location_id {
            validate::caller_id(v, format_args!("lines[{index}].location_id"), location);
        }
        if line.line_number != 0 && usize::try_from(line.line_number) != Ok(index + 1) {
            v.push(
                format_args!("lines[{index}].line_number"),
                "made by the service; leave it out",
            );
        }
        let price = Money::from_wire(
            v,
            format_args!("lines[{index}].unit_price"),
            line.unit_price.as_ref(),
        );
        if let Some(price) = price {
            currencies.push((format!("lines[{index}].unit_price"), price.currency));
        }
        read.push(Line {
            sku: line.sku,
            quantity: line.quantity,
            unit_price: price.map_or(0, |price| price.minor_units),
            location_id: line.location_id,
        });
    }
    read
}

fn adjustments(
    v: &mut Violations,
    adjustments: Vec<wire::Adjustment>,
    currencies: &mut Vec<(String, Currency)>,
) -> Vec<Adjustment> {
    if adjustments.len() > ADJUSTMENTS_MAX {
        v.push("adjustments", format!("at most {ADJUSTMENTS_MAX}"));
        return Vec::new();
    }
    let mut read = Vec::with_capacity(adjustments.len());
    for (index, adjustment) in adjustments.into_iter().enumerate() {
        let field = format!("adjustments[{index}]");
        validate::text(
            v,
            format_args!("{field}.label"),
            &adjustment.label,
            LABEL_CHARS_MAX,
        );
        validate::no_card_number(v, format_args!("{field}.label"), &adjustment.label);
        let kind = adjustment_kind(v, format_args!("{field}.kind"), adjustment.kind);
        let amount = Money::from_wire_signed(
            v,
            format_args!("{field}.amount"),
            adjustment.amount.as_ref(),
        );
        if let (Some(kind), Some(amount)) = (kind, amount) {
            currencies.push((format!("{field}.amount"), amount.currency));
            read.push(Adjustment {
                kind,
                label: adjustment.label,
                amount: amount.minor_units,
            });
        }
    }
    read
}

fn adjustment_kind(
    v: &mut Violations,
    field: std::fmt::Arguments<'_>,
    kind: i32,
) -> Option<AdjustmentKind> {
    match validate::known::<wire::AdjustmentKind>(v, field, kind)? {
        wire::AdjustmentKind::Unspecified => {
            v.push(field, "required");
            None
        }
        wire::AdjustmentKind::Shipping => Some(AdjustmentKind::Shipping),
        wire::AdjustmentKind::Tax => Some(AdjustmentKind::Tax),
        wire::AdjustmentKind::Discount => Some(AdjustmentKind::Discount),
        wire::AdjustmentKind::Other => Some(AdjustmentKind::Other),
    }
}

fn payment_method(v: &mut Violations, payment_method: &str) {
    validate::text(
        v,
        "payment_method",
        payment_method,
        PAYMENT_METHOD_CHARS_MAX,
    );
    validate::no_card_number(v, "payment_method", payment_method);
}

fn capture(v: &mut Violations, capture: i32) -> Capture {
    match validate::known::<wire::CaptureMode>(v, "capture", capture) {
        Some(wire::CaptureMode::OnFulfillment) => Capture::OnFulfillment,
        Some(wire::CaptureMode::Unspecified | wire::CaptureMode::OnConfirm) | None => {
            Capture::OnConfirm
        }
    }
}

fn priority(v: &mut Violations, priority: i32) -> Priority {
    match validate::known::<wire::Priority>(v, "priority", priority) {
        Some(wire::Priority::High) => Priority::High,
        Some(wire::Priority::Low) => Priority::Low,
        Some(wire::Priority::Unspecified | wire::Priority::Normal) | None => Priority::Normal,
    }
}

fn wait_for(v: &mut Violations, wait_for: i32) -> bool {
    match validate::known::<wire::WaitFor>(v, "wait_for", wait_for) {
        Some(wire::WaitFor::Accepted) => true,
        Some(wire::WaitFor::Unspecified | wire::WaitFor::Decided) | None => false,
    }
}

fn decide_within(
    v: &mut Violations,
    decide_within: Option<prost_types::Duration>,
) -> Option<Duration> {
    let read = time::duration_from_wire(&decide_within?);
    let read = read.filter(|duration| DECIDE_WITHIN.contains(duration));
    if read.is_none() {
        v.push("decide_within", "1 second to 24 hours");
    }
    // Kept in whole milliseconds, so that a replay compares as it was sent.
    read.map(|duration| Duration::from_millis(duration.as_millis().try_into().unwrap_or(u64::MAX)))
}

/// Reads the states of a filter.
pub(crate) fn states(v: &mut Violations, states: &[i32]) -> Vec<OrderState> {
    let mut read = Vec::with_capacity(states.len());
    for (index, state) in states.iter().enumerate() {
        let field = format!("states[{index}]");
        match validate::known::<wire::OrderState>(v, &field, *state) {
            Some(wire::OrderState::Unspecified) => v.push(field, "a state"),
            Some(wire::OrderState::Pending) => read.push(OrderState::Pending),
            Some(wire::OrderState::Confirmed) => read.push(OrderState::Confirmed),
            Some(wire::OrderState::Rejected) => read.push(OrderState::Rejected),
            Some(wire::OrderState::Cancelling) => read.push(OrderState::Cancelling),
            Some(wire::OrderState::Cancelled) => read.push(OrderState::Cancelled),
            None => {}
        }
    }
    read
}

#[cfg(test)]
mod tests;
