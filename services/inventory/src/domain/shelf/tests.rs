//! Which location gives what, as a table.

use super::Shelves;
use crate::domain::line::{Line, Placement};
use crate::domain::names::{LocationId, Sku, StockKey};
use crate::domain::record::Shortage;

fn shelves(rows: &[(&str, &str, i64)]) -> Shelves {
    let mut shelves = Shelves::default();
    for (version, &(sku, location_id, available)) in (1..).zip(rows) {
        let key = StockKey {
            sku: Sku::new(sku),
            location_id: LocationId::new(location_id),
        };
        shelves.put(key, available, version);
    }
    shelves
}

fn line(sku: &str, quantity: i64, location_id: &str) -> Line {
    let location_id = (!location_id.is_empty()).then(|| LocationId::new(location_id));
    Line {
        sku: Sku::new(sku),
        quantity,
        location_id,
    }
}

fn placement(sku: &str, location_id: &str, quantity: i64) -> Placement {
    Placement {
        sku: Sku::new(sku),
        location_id: LocationId::new(location_id),
        quantity,
    }
}

fn shortage(sku: &str, location_id: &str, numbers: (i64, i64, i64)) -> Shortage {
    let (requested, available, version) = numbers;
    let location_id = (!location_id.is_empty()).then(|| LocationId::new(location_id));
    Shortage {
        sku: Sku::new(sku),
        location_id,
        requested,
        available,
        version,
    }
}

#[test]
fn one_default_location_needs_no_placement() {
    let mut shelves = shelves(&[("a", "default", 3)]);
    assert_eq!(
        shelves.take(&[line("a", 1, ""), line("a", 2, "default")]),
        Ok(None)
    );
    assert_eq!(shelves.taken(), [placement("a", "default", 3)]);
}

#[test]
fn the_location_with_most_gives_first_and_a_line_may_be_split() {
    let rows = [("a", "default", 3), ("a", "x", 5), ("a", "y", 4)];
    let table = [
        (5, vec![placement("a", "x", 5)]),
        (6, vec![placement("a", "x", 5), placement("a", "y", 1)]),
        (
            12,
            vec![
                placement("a", "default", 3),
                placement("a", "x", 5),
                placement("a", "y", 4),
            ],
        ),
    ];
    for (quantity, placed) in table {
        let mut shelves = shelves(&rows);
        assert_eq!(
            shelves.take(&[line("a", quantity, "")]),
            Ok(Some(placed.clone()))
        );
        assert_eq!(shelves.taken(), placed);
    }
}

#[test]
fn among_equals_the_default_location_gives_first() {
    let mut shelves = shelves(&[("a", "alpha", 3), ("a", "default", 3)]);
    assert_eq!(shelves.take(&[line("a", 3, "")]), Ok(None));
}

#[test]
fn a_named_location_serves_its_lines_before_free_ones() {
    let mut shelves = shelves(&[("a", "default", 2), ("a", "x", 5)]);
    let placed = shelves.take(&[line("a", 4, ""), line("a", 3, "x")]);
    // x keeps 2 after its own line, default has 2: the default one comes first among equals.
    assert_eq!(
        placed,
        Ok(Some(vec![
            placement("a", "default", 2),
            placement("a", "x", 5)
        ]))
    );
}

#[test]
fn every_shortage_is_named_and_nothing_is_taken() {
    let mut shelves = shelves(&[("a", "default", 2), ("a", "x", 1), ("b", "default", 9)]);
    let lines = [
        line("c", 1, ""),
        line("b", 1, ""),
        line("a", 2, ""),
        line("a", 2, "x"),
        line("b", 1, "y"),
    ];
    assert_eq!(
        shelves.take(&lines),
        Err(vec![
            shortage("a", "x", (2, 1, 2)),
            shortage("a", "", (4, 3, 3)),
            shortage("b", "y", (1, 0, 0)),
            shortage("c", "", (1, 0, 0)),
        ])
    );
    assert_eq!(shelves.taken(), []);
}

#[test]
fn contested_rows_concern_the_lines_that_need_them() {
    let mut shelves = shelves(&[("a", "default", 9)]);
    let key = StockKey {
        sku: Sku::new("a"),
        location_id: LocationId::new("x"),
    };
    shelves.contest(key);
    assert!(
        shelves.is_contested(&[line("a", 1, "")]),
        "it might have been picked"
    );
    assert!(shelves.is_contested(&[line("b", 1, ""), line("a", 1, "x")]));
    assert!(!shelves.is_contested(&[line("a", 1, "default"), line("b", 1, "")]));
}
