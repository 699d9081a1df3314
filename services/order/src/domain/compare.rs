//! Whether a key came with the same body: field by field as received, lines before they are summed,
//! without what changes only how the call is served (request_id, wait_for, priority).

use super::Placement;

/// Fields named at the most.
const FIELDS_MAX: usize = 50;

/// The paths of the fields in which `second` differs from what the key `first` came with.
#[must_use]
pub(crate) fn differing_fields(first: &Placement, second: &Placement) -> Vec<String> {
    let mut fields = Vec::new();
    if first.total.currency != second.total.currency {
        fields.push("lines[0].unit_price.currency_code".to_owned());
    }
    if first.lines.len() != second.lines.len() {
        fields.push("lines".to_owned());
    } else {
        for (index, (one, other)) in first.lines.iter().zip(&second.lines).enumerate() {
            let mut differs = |differs: bool, field: &str| {
                if differs {
                    fields.push(format!("lines[{index}].{field}"));
                }
            };
            differs(one.sku != other.sku, "sku");
            differs(one.quantity != other.quantity, "quantity");
            differs(one.unit_price != other.unit_price, "unit_price");
            differs(one.location_id != other.location_id, "location_id");
        }
    }
    let whole = [
        (
            "payment_method",
            first.payment_method != second.payment_method,
        ),
        ("capture", first.capture != second.capture),
        ("adjustments", first.adjustments != second.adjustments),
        ("decide_within", first.decide_within != second.decide_within),
        ("metadata", first.metadata != second.metadata),
    ];
    fields.extend(
        whole
            .iter()
            .filter(|(_, differs)| *differs)
            .map(|(name, _)| (*name).to_owned()),
    );
    fields.truncate(FIELDS_MAX);
    fields
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, time::Duration};

    use holdfast_kit::money::Money;

    use super::differing_fields;
    use crate::domain::{Capture, Line, Placement, Priority};

    fn placement() -> Placement {
        let line = Line {
            sku: "A".into(),
            quantity: 1,
            unit_price: 5,
            location_id: None,
        };
        Placement {
            customer_id: "c".into(),
            request_id: "r".into(),
            lines: vec![line.clone(), line],
            adjustments: Vec::new(),
            total: Money::zero("EUR".parse().expect("a currency")),
            payment_method: "tok_ok".into(),
            capture: Capture::OnConfirm,
            priority: Priority::Normal,
            decide_within: None,
            metadata: BTreeMap::new(),
        }
    }

    #[test]
    fn equal_bodies_differ_in_nothing_whatever_their_priority() {
        let urgent = Placement {
            priority: Priority::High,
            ..placement()
        };
        assert!(differing_fields(&placement(), &urgent).is_empty());
    }

    #[test]
    fn every_field_that_differs_is_named() {
        let mut other = placement();
        other.lines[1].quantity = 2;
        other.payment_method = "tok_other".into();
        other.decide_within = Some(Duration::from_secs(1));
        assert_eq!(
            differing_fields(&placement(), &other),
            ["lines[1].quantity", "payment_method", "decide_within"]
        );
        other.lines.pop();
        assert_eq!(differing_fields(&placement(), &other)[0], "lines");
    }
}
