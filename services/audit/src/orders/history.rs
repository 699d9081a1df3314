//! O1 and E2, and of E1 that an event's id is unique: an order's row and its events tell of one
//! legal life, version by version.
//!
//! An order has no event until it is decided or turned; then PLACED is its version 1. Its decision,
//! CONFIRMED or REJECTED, is version 2; CANCEL_STARTED stands in its place or follows CONFIRMED, and
//! CANCELLED follows that. One that was cancelled before it came has CANCELLED alone, as version 1.

use std::collections::HashSet;

use futures::TryStreamExt as _;
use sqlx::Row as _;
use uuid::Uuid;

use super::order::{CANCELLED, CANCELLING, CONFIRMED, PENDING, REJECTED};
use crate::blame::FeedDamage;
use crate::database::Database;
use crate::finding::{Row, Source};
use crate::predicate::PredicateId::{self, E1, E2, O1};
use crate::sweep::{self, Sweep};
use crate::tally::{Fault, Tally};

/// Orders with a wrong history that are remembered, so that nothing else is said of them. If there
/// are more, the others are reported for all that they break.
const REMEMBERED_MAX: usize = 10_000;

/// Events whose order is not there.
const ORPHANS: Sweep = Sweep {
    id: O1,
    count: "-- audit: O1 rows
        select (select count(*) from orders) + (select count(*) from order_history)",
    find: include_str!("orphans.sql"),
};

/// An order's row, and of each of its published events, in the order of the feed, what it says.
#[derive(Clone, Debug, sqlx::FromRow)]
struct Life {
    shard: i16,
    order_id: Uuid,
    customer_id: String,
    request_id: String,
    state: i16,
    version: i64,
    turned: bool,
    /// Whether it says why it was turned or rejected.
    explained: bool,
    event_versions: Vec<i64>,
    event_types: Vec<i16>,
    event_states: Vec<i16>,
}

/// Checks every history; `damage` is what E1 has found. Gives the orders that were reported.
pub(super) async fn check(
    orders: &mut Database,
    mut damage: FeedDamage,
    tally: &mut Tally<'_>,
) -> Result<HashSet<Uuid>, sqlx::Error> {
    // The order that an orphan was taken from, if there is one, is not reported for it.
    let rows = sweep::run(orders, &ORPHANS, |fault, row| {
        damage.missing += row
            .try_get::<i64, _>("events")
            .unwrap_or_default()
            .unsigned_abs();
        tally.found(fault);
    });
    let rows = rows.await?;
    tally.checked(O1, rows);
    let mut snapshot = orders.snapshot().await?;
    let events: i64 = sqlx::query_scalar(
        "-- audit: E2 rows
        select count(*) from order_history",
    )
    .fetch_one(&mut *snapshot)
    .await?;
    tally.checked(E2, events.unsigned_abs());
    let mut reported = HashSet::new();
    let mut lives = sqlx::query_as(include_str!("histories.sql")).fetch(&mut *snapshot);
    while let Some(life) = lives.try_next().await? {
        if let Some(fault) = judge(&life, &mut damage) {
            if tally.asked(fault.predicate) && reported.len() < REMEMBERED_MAX {
                reported.insert(life.order_id);
            }
            tally.found(fault);
        }
    }
    Ok(reported)
}

/// Judges one order; `damage` is what is wrong with the feed and not yet accounted for.
fn judge(order: &Life, damage: &mut FeedDamage) -> Option<Fault> {
    let (predicate, message) = match illegal_row(order) {
        Some(message) => (O1, message),
        None => match sequence(order, damage) {
            Sequence::Wrong(predicate, message) => (predicate, message),
            Sequence::Excused => return None,
            Sequence::Whole => (O1, illegal_move(order)?),
        },
    };
    let message = format!("order {} {message}", order.order_id);
    let rows = std::iter::once(order.row())
        .chain(order.event_rows())
        .collect();
    Some(Fault {
        predicate,
        message,
        rows,
    })
}

impl Life {
    fn row(&self) -> Row {
        let columns = [
            ("shard", self.shard.to_string()),
            ("order_id", self.order_id.to_string()),
            ("customer_id", self.customer_id.clone()),
            ("request_id", self.request_id.clone()),
            ("state", self.state.to_string()),
            ("version", self.version.to_string()),
            ("turned", self.turned.to_string()),
            ("explained", self.explained.to_string()),
        ];
        Row::new(Source::Order, "orders", columns)
    }

    fn event_rows(&self) -> impl Iterator<Item = Row> {
        let events = self
            .event_versions
            .iter()
            .zip(&self.event_types)
            .zip(&self.event_states);
        events.map(|((version, kind), state)| {
            let columns = [
                ("shard", self.shard.to_string()),
                ("order_id", self.order_id.to_string()),
                ("version", version.to_string()),
                ("type", kind.to_string()),
                ("state", state.to_string()),
            ];
            Row::new(Source::Order, "order_history", columns)
        })
    }
}

/// What the row alone cannot say.
fn illegal_row(order: &Life) -> Option<String> {
    let own_saga = i64::from(!order.turned);
    let expected = match order.state {
        PENDING => 1,
        CONFIRMED | REJECTED => 2,
        CANCELLING => 2 + own_saga,
        CANCELLED if is_entombed(order) => 1,
        CANCELLED => 3 + own_saga,
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

/// Whether it was cancelled before it came.
fn is_entombed(order: &Life) -> bool {
    order.state == CANCELLED && order.version == 1 && !order.turned
}

enum Sequence {
    Whole,
    Excused,
    Wrong(PredicateId, String),
}

/// Compares the versions of the events with those that the row says there have been.
fn sequence(order: &Life, damage: &mut FeedDamage) -> Sequence {
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
fn illegal_move(order: &Life) -> Option<String> {
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
        (CANCELLING, true) => &[(1, PENDING), (4, CANCELLING)],
        (CANCELLING, false) => &[(1, PENDING), (2, CONFIRMED), (4, CANCELLING)],
        (CANCELLED, _) if is_entombed(order) => &[(5, CANCELLED)],
        (CANCELLED, true) => &[(1, PENDING), (4, CANCELLING), (5, CANCELLED)],
        (CANCELLED, false) => &[
            (1, PENDING),
            (2, CONFIRMED),
            (4, CANCELLING),
            (5, CANCELLED),
        ],
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

    use super::{Life, judge};
    use crate::blame::FeedDamage;
    use crate::predicate::PredicateId::{self, E1, E2, O1};

    fn order(state: i16, turned: bool, events: &[(i64, i16, i16)]) -> Life {
        Life {
            shard: 0,
            order_id: Uuid::nil(),
            customer_id: String::new(),
            request_id: String::new(),
            state,
            version: match state {
                1 => 1,
                5 | 6 => i64::try_from(events.len()).unwrap(),
                _ => 2,
            },
            turned,
            explained: turned || state == 4,
            event_versions: events.iter().map(|event| event.0).collect(),
            event_types: events.iter().map(|event| event.1).collect(),
            event_states: events.iter().map(|event| event.2).collect(),
        }
    }

    fn verdict(order: &Life, mut damage: FeedDamage) -> Option<PredicateId> {
        judge(order, &mut damage).map(|fault| fault.predicate)
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
            order(5, true, &[PLACED, (2, 4, 5)]),
            order(5, false, &[PLACED, CONFIRMED, (3, 4, 5)]),
            order(6, true, &[PLACED, (2, 4, 5), (3, 5, 6)]),
            order(6, false, &[PLACED, CONFIRMED, (3, 4, 5), (4, 5, 6)]),
            order(6, false, &[(1, 5, 6)]),
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
            (order(5, false, &[PLACED, (2, 4, 5)]), O1),
            (order(6, true, &[PLACED, CONFIRMED, (3, 5, 6)]), O1),
            (order(6, false, &[PLACED, (2, 4, 5), (3, 5, 6)]), O1),
            (order(6, true, &[(1, 5, 6)]), O1),
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
