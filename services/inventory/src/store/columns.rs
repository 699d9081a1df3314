//! Turns placements into the parallel columns that set-based statements take.

use crate::domain::line::Placement;

/// Placements as three parallel columns.
#[derive(Debug, Default)]
pub(super) struct PlacementColumns<'a> {
    pub(super) skus: Vec<&'a str>,
    pub(super) location_ids: Vec<&'a str>,
    pub(super) quantities: Vec<i64>,
}

impl<'a> PlacementColumns<'a> {
    pub(super) fn of(placements: &'a [Placement]) -> Self {
        let mut columns = Self::default();
        for placement in placements {
            columns.skus.push(placement.sku.as_str());
            columns.location_ids.push(placement.location_id.as_str());
            columns.quantities.push(placement.quantity);
        }
        columns
    }
}

/// A count of rows as Postgres gives it.
pub(super) fn count(rows: usize) -> i64 {
    i64::try_from(rows).expect("a batch has fewer rows than i64 counts")
}
