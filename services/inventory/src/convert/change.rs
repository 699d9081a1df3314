//! PutSku and AdjustStock requests as changes.

use holdfast_kit::id::OrderId;
use holdfast_kit::refusal::Refusal;
use holdfast_kit::validate::{self, Violations};
use holdfast_proto::inventory::{AdjustStockRequest, MovementReason, PutSkuRequest};

use crate::domain::adjust::{AdjustReason, Adjustment, Shortfall};
use crate::domain::change::{Body, CardBody, Change};
use crate::domain::names::{LocationId, RequestId, Sku};

/// Characters of a title at most.
const TITLE_CHARS_MAX: usize = 256;
/// Pairs of a SKU at most.
const ATTRIBUTES_MAX: usize = 64;
/// Units that one adjustment moves at most, either way.
const DELTA_MAX: i64 = 1_000_000_000;

/// Reads a PutSku request.
///
/// # Errors
/// Every field that is wrong; nothing is bound.
pub(crate) fn put_sku(request: PutSkuRequest) -> Result<Change, Refusal> {
    let mut v = Violations::new();
    validate::sku(&mut v, "sku", &request.sku);
    validate::text(&mut v, "title", &request.title, TITLE_CHARS_MAX);
    validate::pairs(&mut v, "attributes", &request.attributes, ATTRIBUTES_MAX);
    validate::caller_id(&mut v, "request_id", &request.request_id);
    v.into_result()?;
    Ok(Change {
        sku: Sku::new(request.sku),
        request_id: RequestId::new(request.request_id),
        body: Body::PutSku(CardBody {
            title: request.title,
            attributes: request.attributes.into_iter().collect(),
        }),
    })
}

/// Reads an AdjustStock request.
///
/// # Errors
/// Every field that is wrong; nothing is bound.
pub(crate) fn adjust_stock(request: AdjustStockRequest) -> Result<Change, Refusal> {
    let mut v = Violations::new();
    validate::sku(&mut v, "sku", &request.sku);
    if let Some(location_id) = &request.location_id {
        validate::caller_id(&mut v, "location_id", location_id);
    }
    if request.delta == 0 || !(-DELTA_MAX..=DELTA_MAX).contains(&request.delta) {
        v.push("delta", "-1,000,000,000 to 1,000,000,000 and not 0");
    }
    let reason = validate::known(&mut v, "reason", request.reason)
        .and_then(|reason| adjust_reason(&mut v, reason));
    validate::caller_id(&mut v, "request_id", &request.request_id);
    let order_id: Option<OrderId> = request
        .order_id
        .as_deref()
        .and_then(|order_id| validate::system_id(&mut v, "order_id", order_id));
    if request.order_id.is_some() && reason.is_some_and(|reason| reason != AdjustReason::Returned) {
        v.push("order_id", "only where the reason is RETURNED");
    }
    v.into_result()?;
    Ok(Change {
        sku: Sku::new(request.sku),
        request_id: RequestId::new(request.request_id),
        body: Body::AdjustStock(Adjustment {
            location_id: request.location_id.map(LocationId::new),
            delta: request.delta,
            reason: reason.expect("a reason that is none is a violation"),
            shortfall: if request.allow_shortfall {
                Shortfall::Record
            } else {
                Shortfall::Refuse
            },
            order_id,
        }),
    })
}

fn adjust_reason(v: &mut Violations, reason: MovementReason) -> Option<AdjustReason> {
    match reason {
        MovementReason::Received => Some(AdjustReason::Received),
        MovementReason::Damaged => Some(AdjustReason::Damaged),
        MovementReason::Counted => Some(AdjustReason::Counted),
        MovementReason::Returned => Some(AdjustReason::Returned),
        MovementReason::Transfer => Some(AdjustReason::Transfer),
        MovementReason::Correction => Some(AdjustReason::Correction),
        MovementReason::Unspecified | MovementReason::Shipped | MovementReason::Opening => {
            v.push("reason", "any but UNSPECIFIED, SHIPPED and OPENING");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use holdfast_kit::refusal::{Reason, Refusal};
    use holdfast_proto::inventory::{AdjustStockRequest, MovementReason, PutSkuRequest};

    use super::{adjust_stock, put_sku};

    fn fields(refusal: Refusal) -> Vec<String> {
        refusal
            .field_violations
            .into_iter()
            .map(|violation| violation.field)
            .collect()
    }

    fn adjustment() -> AdjustStockRequest {
        AdjustStockRequest {
            sku: "a".to_owned(),
            delta: 3,
            reason: MovementReason::Received.into(),
            request_id: "r".to_owned(),
            ..AdjustStockRequest::default()
        }
    }

    #[test]
    fn every_wrong_field_of_an_adjustment_is_named() {
        assert!(adjust_stock(adjustment()).is_ok());
        let request = AdjustStockRequest {
            sku: "\0".to_owned(),
            location_id: Some(String::new()),
            delta: i64::MIN,
            reason: 99,
            request_id: "a b".to_owned(),
            allow_shortfall: false,
            order_id: Some("x".to_owned()),
        };
        assert_eq!(
            fields(adjust_stock(request).unwrap_err()),
            [
                "sku",
                "location_id",
                "delta",
                "reason",
                "request_id",
                "order_id"
            ]
        );
    }

    #[test]
    fn deltas_and_reasons_that_nobody_may_give_are_refused() {
        for delta in [0, 1_000_000_001, -1_000_000_001, i64::MAX] {
            let request = AdjustStockRequest {
                delta,
                ..adjustment()
            };
            assert_eq!(fields(adjust_stock(request).unwrap_err()), ["delta"]);
        }
        use MovementReason::{Opening, Shipped, Unspecified};
        for reason in [Unspecified, Shipped, Opening] {
            let request = AdjustStockRequest {
                reason: reason.into(),
                ..adjustment()
            };
            assert_eq!(fields(adjust_stock(request).unwrap_err()), ["reason"]);
        }
        let order_id = Some("01890a5d-ac96-774b-bcce-b302099a8057".to_owned());
        let request = AdjustStockRequest {
            order_id,
            ..adjustment()
        };
        assert_eq!(
            fields(adjust_stock(request.clone()).unwrap_err()),
            ["order_id"]
        );
        let reason = MovementReason::Returned.into();
        assert!(adjust_stock(AdjustStockRequest { reason, ..request }).is_ok());
    }

    #[test]
    fn a_card_number_never_becomes_an_attribute() {
        let request = PutSkuRequest {
            sku: "a".to_owned(),
            title: "A".to_owned(),
            attributes: [("note".to_owned(), "4111 1111 1111 1111".to_owned())].into(),
            request_id: "r".to_owned(),
        };
        let refusal = put_sku(request).unwrap_err();
        assert_eq!(refusal.reason, Reason::PanRefused);
        assert_eq!(fields(refusal), ["attributes[note]"]);
    }
}
