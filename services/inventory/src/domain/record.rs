//! What is recorded of an order's stock, and the answer that a repeat gets from it: the recorded
//! one, refusals included, or that the order was undone meanwhile. A record's lines never change.

use serde::{Deserialize, Serialize};

use super::line::{Line, Placement, differing_fields, placed_as_asked};
use super::names::{LocationId, Sku};

/// The recorded outcome of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Record {
    /// It keeps its units.
    Allocated(Kept),
    /// It was refused and keeps nothing, for ever.
    Refused {
        /// What it asked for, as received.
        lines: Vec<Line>,
        /// Why it was refused.
        refusal: Refusal,
    },
    /// It kept its units once.
    Released(Kept),
    /// It was released before it was made; it never kept anything and never will.
    Tombstoned,
}

/// Units that an order was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    /// What it asked for, as received.
    pub(crate) lines: Vec<Line>,
    /// Where the units are; none: where the lines named, else at the default location.
    pub(crate) placed: Option<Vec<Placement>>,
}

impl Kept {
    /// One placement per stock row, in key order.
    pub(crate) fn placements(&self) -> Vec<Placement> {
        self.placed
            .clone()
            .unwrap_or_else(|| placed_as_asked(&self.lines))
    }
}

/// Why an order could not have its stock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason")]
pub(crate) enum Refusal {
    /// SKUs that were never put.
    #[serde(rename = "UNKNOWN_SKU")]
    UnknownSku {
        /// Each of them once, by name.
        skus: Vec<Sku>,
    },
    /// Too few units.
    #[serde(rename = "OUT_OF_STOCK")]
    OutOfStock {
        /// Each SKU that is short, by name.
        shortages: Vec<Shortage>,
    },
}

/// Why one SKU could not be had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shortage {
    /// The SKU.
    pub(crate) sku: Sku,
    /// The location asked for; none: the service was free to pick.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) location_id: Option<LocationId>,
    /// Units asked for, all lines with this SKU (and this location) summed.
    pub(crate) requested: i64,
    /// Units left as it was decided, after the orders that came first in its batch.
    pub(crate) available: i64,
    /// The stock row's version as read under the lock, 0 where there was no row; over all
    /// locations their sum.
    pub(crate) version: i64,
}

/// How an order was undone before this came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Barring {
    /// Its units were released.
    Released,
    /// It was released before it was made.
    Tombstoned,
    /// Its id is older than tombstones are kept.
    KeyTooOld,
}

/// What an allocation is answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The order has its units.
    Done {
        /// As in [`Kept::placed`].
        placed: Option<Vec<Placement>>,
        /// Whether it had them before.
        replayed: bool,
    },
    /// It was refused, now or before.
    Refused(Refusal),
    /// It came before with other lines; the fields that differ.
    KeyReused(Vec<String>),
    /// It was undone.
    Barred(Barring),
    /// Somebody holds a stock row that it needs; nothing was decided.
    Contested,
}

impl Record {
    /// The answer to the same order coming again with `lines`.
    pub(crate) fn repeat(&self, lines: &[Line]) -> Answer {
        match self {
            Self::Tombstoned => Answer::Barred(Barring::Tombstoned),
            Self::Released(_) => Answer::Barred(Barring::Released),
            Self::Allocated(kept) => match differing_fields(&kept.lines, lines) {
                fields if fields.is_empty() => Answer::Done {
                    placed: kept.placed.clone(),
                    replayed: true,
                },
                fields => Answer::KeyReused(fields),
            },
            Self::Refused {
                lines: recorded,
                refusal,
            } => match differing_fields(recorded, lines) {
                fields if fields.is_empty() => Answer::Refused(refusal.clone()),
                fields => Answer::KeyReused(fields),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, Barring, Kept, Record, Refusal, Shortage};
    use crate::domain::line::Line;
    use crate::domain::names::{LocationId, Sku};

    fn lines(quantity: i64) -> Vec<Line> {
        vec![Line {
            sku: Sku::new("a"),
            quantity,
            location_id: None,
        }]
    }

    #[test]
    fn a_repeat_gets_the_recorded_answer() {
        let kept = Kept {
            lines: lines(1),
            placed: None,
        };
        let refusal = Refusal::UnknownSku {
            skus: vec![Sku::new("a")],
        };
        let refused = Record::Refused {
            lines: lines(1),
            refusal: refusal.clone(),
        };
        let reused = Answer::KeyReused(vec!["lines[0].quantity".to_owned()]);
        let table = [
            (
                Record::Allocated(kept.clone()),
                Answer::Done {
                    placed: None,
                    replayed: true,
                },
                reused.clone(),
            ),
            (refused, Answer::Refused(refusal), reused),
            (
                Record::Released(kept),
                Answer::Barred(Barring::Released),
                Answer::Barred(Barring::Released),
            ),
            (
                Record::Tombstoned,
                Answer::Barred(Barring::Tombstoned),
                Answer::Barred(Barring::Tombstoned),
            ),
        ];
        for (record, same, other) in table {
            assert_eq!(record.repeat(&lines(1)), same, "{record:?}");
            assert_eq!(record.repeat(&lines(2)), other, "{record:?}");
        }
    }

    #[test]
    fn the_recorded_shape_of_a_refusal_is_frozen() {
        let shortage = Shortage {
            sku: Sku::new("a"),
            location_id: Some(LocationId::new("x")),
            requested: 3,
            available: 2,
            version: 7,
        };
        let json = serde_json::to_string(&Refusal::OutOfStock {
            shortages: vec![shortage],
        });
        assert_eq!(
            json.unwrap(),
            r#"{"reason":"OUT_OF_STOCK","shortages":[{"sku":"a","location_id":"x","requested":3,"available":2,"version":7}]}"#
        );
        let json = serde_json::to_string(&Refusal::UnknownSku {
            skus: vec![Sku::new("a")],
        });
        assert_eq!(json.unwrap(), r#"{"reason":"UNKNOWN_SKU","skus":["a"]}"#);
    }
}
