//! A cancel from the wire.

use holdfast_kit::{
    id::OrderId,
    refusal::Refusal,
    validate::{self, Violations},
};
use holdfast_proto::order as wire;

use crate::domain::{CancelItem, Target};

/// Characters of a reason at the most.
const REASON_CHARS_MAX: usize = 256;

/// A valid request.
#[derive(Debug)]
pub(crate) enum AskedCancel {
    /// To cancel.
    Do(CancelItem),
    /// To tell what cancelling would do.
    Tell {
        /// Which order.
        target: Target,
        /// The version that it is to be at.
        expected_version: Option<i64>,
    },
}

/// Reads a CancelOrderRequest.
///
/// # Errors
/// INVALID_FIELD or PAN_REFUSED.
pub(crate) fn cancel(request: wire::CancelOrderRequest) -> Result<AskedCancel, Refusal> {
    let mut v = Violations::new();
    let target = target(&mut v, &request);
    if !(request.dry_run && request.request_id.is_empty()) {
        validate::caller_id(&mut v, "request_id", &request.request_id);
    }
    validate::text(&mut v, "reason", &request.reason, REASON_CHARS_MAX);
    validate::no_card_number(&mut v, "reason", &request.reason);
    if request.expected_version.is_some_and(|version| version < 1) {
        v.push("expected_version", "1 or more");
    }
    v.into_result()?;
    let target = target.ok_or_else(|| Refusal::invalid_field("order_id", "required"))?;
    let expected_version = request.expected_version;
    if request.dry_run {
        return Ok(AskedCancel::Tell {
            target,
            expected_version,
        });
    }
    Ok(AskedCancel::Do(CancelItem {
        target,
        request_id: request.request_id,
        reason: request.reason,
        expected_version,
    }))
}

fn target(v: &mut Violations, request: &wire::CancelOrderRequest) -> Option<Target> {
    let by_key = !request.customer_id.is_empty() || !request.placement_request_id.is_empty();
    if !request.order_id.is_empty() {
        if by_key {
            v.push(
                "order_id",
                "either it, or customer_id and placement_request_id",
            );
        }
        let id = validate::system_id::<OrderId>(v, "order_id", &request.order_id);
        return id.map(Target::Order);
    }
    if !by_key {
        v.push(
            "order_id",
            "required, or customer_id and placement_request_id",
        );
        return None;
    }
    validate::caller_id(v, "customer_id", &request.customer_id);
    validate::caller_id(v, "placement_request_id", &request.placement_request_id);
    Some(Target::Placement {
        customer_id: request.customer_id.clone(),
        request_id: request.placement_request_id.clone(),
    })
}
