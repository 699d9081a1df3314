//! What an order asks for, line by line, and where its units are. Lines are kept as received; they
//! are compared so and summed only to decide.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::names::{LocationId, Sku, StockKey};

/// A refusal names so many differing fields, and no more.
const DIFFERENCES_MAX: usize = 50;

/// Units of one SKU that an order needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line {
    /// The SKU.
    pub(crate) sku: Sku,
    /// Units, 1 to 1,000,000.
    pub(crate) quantity: i64,
    /// Where they are to come from; none: the service picks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) location_id: Option<LocationId>,
}

/// Units of one SKU at one location.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Placement {
    /// The SKU.
    pub(crate) sku: Sku,
    /// Where they are.
    pub(crate) location_id: LocationId,
    /// Units.
    pub(crate) quantity: i64,
}

impl Placement {
    /// The stock row that it counts in.
    pub(crate) fn key(&self) -> StockKey {
        StockKey {
            sku: self.sku.clone(),
            location_id: self.location_id.clone(),
        }
    }
}

/// Adds placements up, one per stock row, in key order.
pub(crate) fn sum_by_row(placements: impl IntoIterator<Item = Placement>) -> Vec<Placement> {
    let mut sums: BTreeMap<(Sku, LocationId), i64> = BTreeMap::new();
    for Placement {
        sku,
        location_id,
        quantity,
    } in placements
    {
        *sums.entry((sku, location_id)).or_default() += quantity;
    }
    let placement = |((sku, location_id), quantity)| Placement {
        sku,
        location_id,
        quantity,
    };
    sums.into_iter().map(placement).collect()
}

/// Where the units of lines are when each is where its line named, or at the default location.
pub(crate) fn placed_as_asked(lines: &[Line]) -> Vec<Placement> {
    sum_by_row(lines.iter().map(|line| Placement {
        sku: line.sku.clone(),
        location_id: line.location_id.clone().unwrap_or_default(),
        quantity: line.quantity,
    }))
}

/// The paths of the fields in which `received` differs from `recorded`; none: they are equal.
pub(crate) fn differing_fields(recorded: &[Line], received: &[Line]) -> Vec<String> {
    if recorded.len() != received.len() {
        return vec!["lines".to_owned()];
    }
    let mut fields = Vec::new();
    for (number, (was, is)) in recorded.iter().zip(received).enumerate() {
        if fields.len() >= DIFFERENCES_MAX {
            break;
        }
        if was.sku != is.sku {
            fields.push(format!("lines[{number}].sku"));
        }
        if was.quantity != is.quantity {
            fields.push(format!("lines[{number}].quantity"));
        }
        if was.location_id != is.location_id {
            fields.push(format!("lines[{number}].location_id"));
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::{Line, differing_fields, placed_as_asked};
    use crate::domain::names::{LocationId, Sku};

    fn line(sku: &str, quantity: i64, location_id: Option<&str>) -> Line {
        Line {
            sku: Sku::new(sku),
            quantity,
            location_id: location_id.map(LocationId::new),
        }
    }

    #[test]
    fn differing_fields_are_named_by_their_path() {
        let recorded = [line("a", 1, None), line("b", 2, Some("x"))];
        assert!(differing_fields(&recorded, &recorded.clone()).is_empty());
        assert_eq!(differing_fields(&recorded, &recorded[..1]), ["lines"]);
        let other = [line("c", 1, Some("default")), line("b", 3, Some("x"))];
        assert_eq!(
            differing_fields(&recorded, &other),
            ["lines[0].sku", "lines[0].location_id", "lines[1].quantity"]
        );
    }

    #[test]
    fn lines_with_one_stock_row_are_summed() {
        let lines = [
            line("b", 1, None),
            line("a", 2, Some("x")),
            line("b", 3, Some("default")),
        ];
        let sums: Vec<_> = placed_as_asked(&lines)
            .into_iter()
            .map(|placed| {
                (
                    placed.sku.to_string(),
                    placed.location_id.to_string(),
                    placed.quantity,
                )
            })
            .collect();
        assert_eq!(
            sums,
            [
                ("a".to_owned(), "x".to_owned(), 2),
                ("b".to_owned(), "default".to_owned(), 4)
            ]
        );
    }

    #[test]
    fn the_recorded_shape_of_a_line_is_frozen() {
        let json = serde_json::to_string(&[line("a", 1, None), line("b", 2, Some("x"))]).unwrap();
        assert_eq!(
            json,
            r#"[{"sku":"a","quantity":1},{"sku":"b","quantity":2,"location_id":"x"}]"#
        );
    }
}
