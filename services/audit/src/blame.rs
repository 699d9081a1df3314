//! One bad row, one finding. A row may break several predicates at once; what is kept here lets
//! the one that names the row answer for the others.
//!
//! A reservation that is lost or altered leaves a difference in the stock rows it counts in: the
//! finding names the order (I5, O3, I4), and the difference (I2) goes with it. An event that is
//! lost leaves a hole in the feed: the finding is the hole (E1), and the order that lacks the event
//! is not reported for it (E2, O1).

use std::collections::HashMap;

use crate::tally::{Fault, Tally};

/// Findings of I2 that can wait for an order to answer for them. A stock that is wrong in more
/// places is reported as it is.
const HELD_MAX: usize = 1_000;

/// What I2 has found, until the orders have been read.
#[derive(Debug, Default)]
pub(crate) struct Differences {
    held: Vec<Held>,
    /// For each SKU in `held`, the units that reported orders should keep and do not; none: no such
    /// order was reported.
    accounted: HashMap<String, Option<i128>>,
}

#[derive(Debug)]
struct Held {
    sku: String,
    difference: i64,
    fault: Fault,
}

impl Differences {
    /// Takes a finding of I2, or gives it back if it cannot wait.
    pub(crate) fn hold(
        &mut self,
        sku: Option<String>,
        difference: i64,
        fault: Fault,
    ) -> Option<Fault> {
        match sku {
            Some(sku) if self.held.len() < HELD_MAX => {
                self.accounted.entry(sku.clone()).or_default();
                self.held.push(Held {
                    sku,
                    difference,
                    fault,
                });
                None
            }
            _ => Some(fault),
        }
    }

    /// Notes that a reported reservation keeps so many units of a SKU less than its order has.
    pub(crate) fn account(&mut self, sku: &str, units: i128) {
        if let Some(accounted) = self.accounted.get_mut(sku) {
            *accounted.get_or_insert_default() += units;
        }
    }

    /// Reports what no order answers for.
    pub(crate) fn settle(self, tally: &mut Tally<'_>) {
        let mut totals: HashMap<String, i128> = HashMap::new();
        for held in &self.held {
            *totals.entry(held.sku.clone()).or_default() += i128::from(held.difference);
        }
        for held in self.held {
            let accounted = self.accounted.get(&held.sku).copied().flatten();
            if accounted.as_ref() != totals.get(&held.sku) {
                tally.found(held.fault);
            }
        }
    }
}

/// What E1 has found: so many events may be missing, or stand elsewhere, without another word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FeedDamage {
    /// Events that are gone, or stand where nobody looks.
    pub(crate) missing: u64,
    /// Events at a position that another one has.
    pub(crate) misplaced: u64,
}

impl FeedDamage {
    /// Lets an order that lacks so many events be, if so many are known to be missing.
    pub(crate) fn excuses_missing(&mut self, events: u64) -> bool {
        excuse(&mut self.missing, events)
    }

    /// Lets an order whose events stand in another order be.
    pub(crate) fn excuses_misplaced(&mut self) -> bool {
        excuse(&mut self.misplaced, 1)
    }
}

fn excuse(budget: &mut u64, events: u64) -> bool {
    let left = budget.checked_sub(events);
    *budget = left.unwrap_or(*budget);
    left.is_some()
}

#[cfg(test)]
mod tests {
    use super::{Differences, FeedDamage};
    use crate::predicate::PredicateId;
    use crate::tally::{Fault, Tally};

    fn fault() -> Fault {
        Fault {
            predicate: PredicateId::I2,
            message: String::new(),
            rows: Vec::new(),
        }
    }

    fn findings(differences: Differences) -> usize {
        let mut count = 0;
        let mut on_finding = |_| count += 1;
        let mut tally = Tally::new(&[PredicateId::I2], &mut on_finding);
        differences.settle(&mut tally);
        drop(tally);
        count
    }

    #[test]
    fn an_order_answers_for_exactly_what_it_lacks() {
        for (accounted, expected) in [(None, 2), (Some(3), 0), (Some(2), 2)] {
            let mut differences = Differences::default();
            assert_eq!(differences.hold(Some("a".to_owned()), 1, fault()), None);
            assert_eq!(differences.hold(Some("a".to_owned()), 2, fault()), None);
            if let Some(units) = accounted {
                differences.account("a", units);
            }
            assert_eq!(findings(differences), expected);
        }
    }

    #[test]
    fn differences_that_cancel_out_are_still_two() {
        let mut differences = Differences::default();
        for difference in [1, -1] {
            assert_eq!(
                differences.hold(Some("a".to_owned()), difference, fault()),
                None
            );
        }
        assert_eq!(findings(differences), 2);
    }

    #[test]
    fn a_hole_excuses_as_many_events_as_it_has_positions() {
        let mut damage = FeedDamage {
            missing: 3,
            misplaced: 1,
        };
        assert!(damage.excuses_missing(2));
        assert!(!damage.excuses_missing(2));
        assert!(damage.excuses_missing(1));
        assert!(damage.excuses_misplaced());
        assert!(!damage.excuses_misplaced());
    }
}
