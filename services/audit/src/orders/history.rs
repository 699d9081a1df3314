//! O1 and E2, and of E1 that an event's id is unique: an order's row and its events tell of one
//! legal life, version by version.
//!
//! An order has no event until it is decided or turned; then PLACED is its version 1. Its decision,
//! CONFIRMED or REJECTED, is version 2, and nothing comes after it.

use super::order::{CONFIRMED, Order, PENDING, REJECTED};
use crate::blame::FeedDamage;
use crate::predicate::PredicateId::{self, E1, E2, O1};
use crate::tally::Fault;

/// What an order's history comes to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum History {
    /// It is legal, or only lacks what the feed is known to have lost.
    Sound,
    /// It breaks a predicate.
    Broken(Fault),
}

/// Judges one order; `damage` is what is wrong with the feed and not yet accounted for.
pub(super) fn judge(order: &Order, damage: &mut FeedDamage) -> History {
    let broken = |(predicate, message): (PredicateId, String)| {
        let rows = std::iter::once(order.row())
            .chain(order.event_rows())
            .collect();
        let message = format!("order {} {message}", order.order_id);
        History::Broken(Fault {
            predicate,
            message,
            rows,
        })
    };
    if let Some(message) = illegal_row(order) {
        return broken((O1, message));
    }
    match sequence(order, damage) {
        Sequence::Wrong(predicate, message) => broken((predicate, message)),
        Sequence::Excused => History::Sound,
        Sequence::Whole => {
            illegal_move(order).map_or(History::Sound, |message| broken((O1, message)))
        }
    }
}

/// What the row alone cannot say.
fn illegal_row(order: &Order) -> Option<String> {
    let expected = match order.state {
        PENDING => 1,
        CONFIRMED | REJECTED => 2,
        state => return Some(format!("is in state {state}, which no order has")),
    };
    if order.version != expected {
        return Some(format!(
            "is in state {} with version {}",
            order.state, order.version
        ));
    }
    if order.state == CONFIRMED && order.turned {
        return Some("is confirmed although it was turned".to_owned());
    }
    let explains = order.turned || order.state == REJECTED;
    (order.explained != explains).then(|| {
        let (what, has) = if explains {
            ("turned or rejected", "no")
        } else {
            ("neither", "a")
        };
        format!("is {what} and has {has} rejection")
    })
}

enum Sequence {
    Whole,
    Excused,
    Wrong(PredicateId, String),
}

/// Compares the versions of the events with those that the row says there have been.
fn sequence(order: &Order, damage: &mut FeedDamage) -> Sequence {
    let versions = &order.event_versions;
    let mut sorted = versions.clone();
    sorted.sort_unstable();
    if sorted.windows(2).any(|pair| pair[0] == pair[1]) {
        return Sequence::Wrong(
            E1,
            format!("has events of versions {sorted:?}: an id comes twice"),
        );
    }
    if sorted != *versions {
        return if damage.excuses_misplaced() {
            Sequence::Excused
        } else {
            Sequence::Wrong(
                E2,
                format!("has events in the order of versions {versions:?}"),
            )
        };
    }
    let last = match order.state {
        PENDING if !order.turned => 0,
        _ => order.version,
    };
    let expected: Vec<i64> = (1..=last).collect();
    if *versions == expected {
        return Sequence::Whole;
    }
    let missing = expected
        .iter()
        .filter(|version| !versions.contains(version))
        .count() as u64;
    if missing > 0 && damage.excuses_missing(missing) {
        return Sequence::Excused;
    }
    let has_hole = versions
        .iter()
        .zip(1..)
        .any(|(version, number)| *version != number);
    let message = format!(
        "is in version {} and state {}, and its events have versions {versions:?}",
        order.version, order.state
    );
    Sequence::Wrong(if has_hole { E2 } else { O1 }, message)
}

/// Follows the moves that the events tell of, the last one into the state of the row.
fn illegal_move(order: &Order) -> Option<String> {
    let moves: Vec<(i16, i16)> = order
        .event_types
        .iter()
        .copied()
        .zip(order.event_states.iter().copied())
        .collect();
    let legal: &[(i16, i16)] = match (order.state, order.turned) {
        (PENDING, false) => &[],
        (PENDING, true) => &[(1, PENDING)],
        (CONFIRMED, _) => &[(1, PENDING), (2, CONFIRMED)],
        _ => &[(1, PENDING), (3, REJECTED)],
    };
    (moves != legal).then(|| {
        format!(
            "is in state {}, and its events (type, state) are {moves:?}",
            order.state
        )
    })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::{History, judge};
    use crate::blame::FeedDamage;
    use crate::orders::order::Order;
    use crate::predicate::PredicateId::{self, E1, E2, O1};

    fn order(state: i16, turned: bool, events: &[(i64, i16, i16)]) -> Order {
        Order {
            shard: 0,
            order_id: Uuid::nil(),
            customer_id: String::new(),
            request_id: String::new(),
            state,
            version: if state == 1 { 1 } else { 2 },
            currency_code: "EUR".to_owned(),
            total_minor_units: 0,
            lines: None,
            capture: 1,
            captured_minor_units: 0,
            turned,
            explained: turned || state == 4,
            event_versions: events.iter().map(|event| event.0).collect(),
            event_types: events.iter().map(|event| event.1).collect(),
            event_states: events.iter().map(|event| event.2).collect(),
        }
    }

    fn verdict(order: &Order, mut damage: FeedDamage) -> Option<PredicateId> {
        match judge(order, &mut damage) {
            History::Sound => None,
            History::Broken(fault) => Some(fault.predicate),
        }
    }

    const PLACED: (i64, i16, i16) = (1, 1, 1);
    const CONFIRMED: (i64, i16, i16) = (2, 2, 2);
    const REJECTED: (i64, i16, i16) = (2, 3, 4);

    #[test]
    fn every_legal_life_is_sound() {
        for legal in [
            order(1, false, &[]),
            order(1, true, &[PLACED]),
            order(2, false, &[PLACED, CONFIRMED]),
            order(4, false, &[PLACED, REJECTED]),
            order(4, true, &[PLACED, REJECTED]),
        ] {
            assert_eq!(verdict(&legal, FeedDamage::default()), None, "{legal:?}");
        }
    }

    #[test]
    fn every_other_life_is_one_finding() {
        for (illegal, expected) in [
            (order(2, true, &[PLACED, CONFIRMED]), O1),
            (order(3, false, &[PLACED, (2, 3, 3)]), O1),
            (order(1, false, &[PLACED]), O1),
            (order(2, false, &[]), O1),
            (order(2, false, &[PLACED]), O1),
            (order(2, false, &[PLACED, REJECTED]), O1),
            (order(2, false, &[PLACED, CONFIRMED, (3, 3, 4)]), O1),
            (order(2, false, &[(1, 2, 2), CONFIRMED]), O1),
            (order(2, false, &[CONFIRMED]), E2),
            (order(2, false, &[PLACED, (3, 2, 2)]), E2),
            (order(2, false, &[CONFIRMED, PLACED]), E2),
            (order(2, false, &[PLACED, CONFIRMED, CONFIRMED]), E1),
        ] {
            assert_eq!(
                verdict(&illegal, FeedDamage::default()),
                Some(expected),
                "{illegal:?}"
            );
        }
    }

    #[test]
    fn what_the_feed_has_lost_is_not_reported_again() {
        let lacks_one = order(2, false, &[CONFIRMED]);
        assert_eq!(
            verdict(
                &lacks_one,
                FeedDamage {
                    missing: 1,
                    misplaced: 0
                }
            ),
            None
        );
        let reordered = order(2, false, &[CONFIRMED, PLACED]);
        assert_eq!(
            verdict(
                &reordered,
                FeedDamage {
                    missing: 0,
                    misplaced: 1
                }
            ),
            None
        );
    }
}
