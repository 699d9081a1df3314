//! The decision of a batch of releases: what is kept comes back once, what was never seen becomes
//! a tombstone, and everything else is done already.

use std::collections::{HashMap, HashSet};

use holdfast_kit::id::OrderId;

use super::line::{Placement, sum_by_row};
use super::names::StockKey;
use super::record::Record;

/// What a release is answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The order keeps nothing.
    Done {
        /// How it came to that.
        end: End,
        /// Whether it kept nothing before.
        replayed: bool,
    },
    /// Somebody holds a stock row that its units go back to; nothing was decided.
    Contested,
}

/// Why an order keeps nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It gave its units back; where, if not as its lines named.
    Released(Option<Vec<Placement>>),
    /// It never had any and never will: it is a tombstone, or it was refused.
    NeverKept,
}

/// What a batch comes to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// One per item, in their order.
    pub(crate) answers: Vec<Answer>,
    /// Orders that go from allocated to released.
    pub(crate) released: Vec<OrderId>,
    /// Orders that become tombstones.
    pub(crate) tombstones: Vec<OrderId>,
    /// What comes back, one per stock row, in key order.
    pub(crate) freed: Vec<Placement>,
}

/// The stock rows that a batch gives back to, as far as its `records` say.
pub(crate) fn rows_to_lock(records: &HashMap<OrderId, Record>) -> HashSet<StockKey> {
    records
        .values()
        .filter_map(|record| match record {
            Record::Allocated(kept) => Some(kept.placements()),
            Record::Refused { .. } | Record::Released(_) | Record::Tombstoned => None,
        })
        .flatten()
        .map(|placement| placement.key())
        .collect()
}

/// Decides a batch. `records` has every record there is of its orders; `contested` the stock rows
/// that somebody else holds.
pub(crate) fn release(
    items: &[OrderId],
    records: &HashMap<OrderId, Record>,
    contested: &HashSet<StockKey>,
) -> Verdict {
    let mut verdict = Verdict::default();
    let mut freed = Vec::new();
    let mut first_of: HashMap<OrderId, usize> = HashMap::with_capacity(items.len());
    for (number, order_id) in items.iter().enumerate() {
        if let Some(&first) = first_of.get(order_id) {
            let answer = repeat(&verdict.answers[first]);
            verdict.answers.push(answer);
            continue;
        }
        first_of.insert(*order_id, number);
        let answer = match records.get(order_id) {
            None => {
                verdict.tombstones.push(*order_id);
                Answer::Done {
                    end: End::NeverKept,
                    replayed: false,
                }
            }
            Some(Record::Tombstoned | Record::Refused { .. }) => Answer::Done {
                end: End::NeverKept,
                replayed: true,
            },
            Some(Record::Released(kept)) => Answer::Done {
                end: End::Released(kept.placed.clone()),
                replayed: true,
            },
            Some(Record::Allocated(kept)) => {
                let placements = kept.placements();
                if placements
                    .iter()
                    .any(|placement| contested.contains(&placement.key()))
                {
                    Answer::Contested
                } else {
                    verdict.released.push(*order_id);
                    freed.extend(placements);
                    Answer::Done {
                        end: End::Released(kept.placed.clone()),
                        replayed: false,
                    }
                }
            }
        };
        verdict.answers.push(answer);
    }
    verdict.freed = sum_by_row(freed);
    verdict
}

fn repeat(first: &Answer) -> Answer {
    match first {
        Answer::Done { end, .. } => Answer::Done {
            end: end.clone(),
            replayed: true,
        },
        Answer::Contested => Answer::Contested,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use holdfast_kit::id::{OrderId, Shard};

    use super::{Answer, End, release, rows_to_lock};
    use crate::domain::line::{Line, Placement};
    use crate::domain::names::{LocationId, Sku, StockKey};
    use crate::domain::record::{Kept, Record, Refusal};

    fn id() -> OrderId {
        OrderId::generate(Shard::of_customer("c"))
    }

    fn kept(quantity: i64) -> Kept {
        let line = Line {
            sku: Sku::new("a"),
            quantity,
            location_id: None,
        };
        Kept {
            lines: vec![line],
            placed: None,
        }
    }

    fn default_row() -> StockKey {
        StockKey {
            sku: Sku::new("a"),
            location_id: LocationId::default(),
        }
    }

    #[test]
    fn every_state_of_an_order_has_its_answer() {
        let refusal = Refusal::UnknownSku {
            skus: vec![Sku::new("a")],
        };
        let done = |end, replayed| Answer::Done { end, replayed };
        let table = [
            (None, done(End::NeverKept, false), 0, 1),
            (Some(Record::Tombstoned), done(End::NeverKept, true), 0, 0),
            (
                Some(Record::Refused {
                    lines: kept(1).lines,
                    refusal,
                }),
                done(End::NeverKept, true),
                0,
                0,
            ),
            (
                Some(Record::Released(kept(1))),
                done(End::Released(None), true),
                0,
                0,
            ),
            (
                Some(Record::Allocated(kept(1))),
                done(End::Released(None), false),
                1,
                0,
            ),
        ];
        for (record, answer, released, tombstones) in table {
            let id = id();
            let records: HashMap<_, _> = record.map(|record| (id, record)).into_iter().collect();
            let verdict = release(&[id], &records, &HashSet::new());
            assert_eq!(verdict.answers, [answer]);
            assert_eq!(verdict.released.len(), released);
            assert_eq!(verdict.tombstones.len(), tombstones);
            assert_eq!(verdict.freed.len(), released);
        }
    }

    #[test]
    fn an_order_that_comes_twice_in_a_batch_gives_back_once() {
        let (had, unseen) = (id(), id());
        let records = HashMap::from([(had, Record::Allocated(kept(3)))]);
        let verdict = release(&[had, unseen, had, unseen], &records, &HashSet::new());
        assert_eq!(verdict.released, [had]);
        assert_eq!(verdict.tombstones, [unseen]);
        assert_eq!(
            verdict.freed,
            [Placement {
                sku: Sku::new("a"),
                location_id: LocationId::default(),
                quantity: 3
            }]
        );
        assert_eq!(
            verdict.answers[2],
            Answer::Done {
                end: End::Released(None),
                replayed: true
            }
        );
    }

    #[test]
    fn a_contested_row_delays_only_the_orders_that_give_back_to_it() {
        let (contested, other) = (id(), id());
        let elsewhere = Placement {
            sku: Sku::new("a"),
            location_id: LocationId::new("x"),
            quantity: 2,
        };
        let records = HashMap::from([
            (contested, Record::Allocated(kept(3))),
            (
                other,
                Record::Allocated(Kept {
                    placed: Some(vec![elsewhere.clone()]),
                    ..kept(2)
                }),
            ),
        ]);
        assert_eq!(
            rows_to_lock(&records),
            HashSet::from([default_row(), elsewhere.key()])
        );
        let verdict = release(
            &[contested, other],
            &records,
            &HashSet::from([default_row()]),
        );
        assert_eq!(verdict.answers[0], Answer::Contested);
        assert_eq!(verdict.released, [other]);
        assert_eq!(verdict.freed, [elsewhere]);
    }
}
