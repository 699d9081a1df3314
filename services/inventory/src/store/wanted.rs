//! The stock rows that a batch wants locked: of a SKU all locations, or the ones that were named.
//! A SKU wanted at all locations is listed once, so that no row comes back twice.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::domain::line::Line;
use crate::domain::names::{LocationId, Sku, StockKey};

/// A set of stock rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    skus: BTreeMap<Sku, Places>,
}

/// Where a SKU's rows are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Places {
    All,
    These(BTreeSet<LocationId>),
}

/// The rows as two parallel columns; a location of null means all of them.
#[derive(Debug, Default)]
pub(super) struct WantedColumns<'a> {
    pub(super) skus: Vec<&'a str>,
    pub(super) location_ids: Vec<Option<&'a str>>,
}

impl Wanted {
    /// Adds what a line can be served from.
    pub(super) fn add_line(&mut self, line: &Line) {
        match &line.location_id {
            Some(location_id) => self.add(&line.sku, location_id),
            None => match self.skus.get_mut(&line.sku) {
                Some(places) => *places = Places::All,
                None => {
                    self.skus.insert(line.sku.clone(), Places::All);
                }
            },
        }
    }

    /// Adds one row.
    pub(super) fn add(&mut self, sku: &Sku, location_id: &LocationId) {
        match self.skus.get_mut(sku) {
            Some(Places::All) => {}
            Some(Places::These(places)) => {
                places.insert(location_id.clone());
            }
            None => {
                let places = BTreeSet::from([location_id.clone()]);
                self.skus.insert(sku.clone(), Places::These(places));
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.skus.is_empty()
    }

    pub(super) fn skus(&self) -> impl Iterator<Item = &Sku> {
        self.skus.keys()
    }

    /// Splits off what concerns any of `rows`: (the rest, what was split off).
    pub(super) fn split(&self, rows: &HashSet<StockKey>) -> (Self, Self) {
        let (mut rest, mut concerned) = (Self::default(), Self::default());
        let skus: HashSet<&Sku> = rows.iter().map(|row| &row.sku).collect();
        for (sku, places) in &self.skus {
            let target = if skus.contains(sku) {
                &mut concerned
            } else {
                &mut rest
            };
            target.skus.insert(sku.clone(), places.clone());
        }
        (rest, concerned)
    }

    pub(super) fn columns(&self) -> WantedColumns<'_> {
        let mut columns = WantedColumns::default();
        for (sku, places) in &self.skus {
            match places {
                Places::All => {
                    columns.skus.push(sku.as_str());
                    columns.location_ids.push(None);
                }
                Places::These(location_ids) => {
                    for location_id in location_ids {
                        columns.skus.push(sku.as_str());
                        columns.location_ids.push(Some(location_id.as_str()));
                    }
                }
            }
        }
        columns
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::Wanted;
    use crate::domain::line::Line;
    use crate::domain::names::{LocationId, Sku, StockKey};

    fn wanted(lines: &[(&str, &str)]) -> Wanted {
        let mut wanted = Wanted::default();
        for (sku, location_id) in lines {
            let location_id = (!location_id.is_empty()).then(|| LocationId::new(*location_id));
            wanted.add_line(&Line {
                sku: Sku::new(*sku),
                quantity: 1,
                location_id,
            });
        }
        wanted
    }

    fn rows(wanted: &Wanted) -> Vec<(&str, Option<&str>)> {
        let columns = wanted.columns();
        columns.skus.into_iter().zip(columns.location_ids).collect()
    }

    #[test]
    fn no_row_is_listed_twice() {
        let all = wanted(&[
            ("b", "x"),
            ("a", "y"),
            ("a", "x"),
            ("a", "y"),
            ("b", ""),
            ("b", "y"),
        ]);
        assert_eq!(
            rows(&all),
            [("a", Some("x")), ("a", Some("y")), ("b", None)]
        );
    }

    #[test]
    fn skus_with_a_held_row_are_split_off() {
        let held = StockKey {
            sku: Sku::new("a"),
            location_id: LocationId::new("x"),
        };
        let (rest, concerned) = wanted(&[("a", ""), ("b", "x")]).split(&HashSet::from([held]));
        assert_eq!(rows(&rest), [("b", Some("x"))]);
        assert_eq!(rows(&concerned), [("a", None)]);
    }
}
