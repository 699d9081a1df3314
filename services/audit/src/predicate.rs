//! The predicates: their ids, how each one holds, and what it takes to check it.
//! The table is the one place that knows them all; whoever adds one adds a row here.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::finding::Source;

/// How a predicate holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// At any instant, in one snapshot of one database.
    Snapshot,
    /// At any instant across databases: the later fact is read first, then what it rests on; if the
    /// later fact has changed meanwhile, both are read again.
    Across,
    /// At rest only.
    Rest,
}

/// A predicate's id, as docs/INVARIANTS.md has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PredicateId {
    /// on_hand is the sum of the movements.
    I1,
    /// reserved is the sum of what live reservations keep.
    I2,
    /// Nothing is spoken for that is not there.
    I3,
    /// A reservation ends once, and a tombstone never comes to life.
    I4,
    /// A confirmed order has its stock.
    I5,
    /// Nobody is refused stock that is there.
    I7,
    /// Each amount of a payment is the sum of its operations.
    P1,
    /// Each thing is done once, under a key that follows from it.
    P2,
    /// The provider has what the payments say, and they have what it says.
    P3,
    /// An order's versions and moves are legal.
    O1,
    /// A confirmed order has its money.
    O2,
    /// A rejected order keeps nothing.
    O3,
    /// The feed's positions have no hole.
    E1,
    /// An order's events come in the order of their versions.
    E2,
    /// One key, one order, one reservation.
    K1,
}

/// The text is no predicate's id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not a predicate; there are I1 to I5, I7, P1 to P3, O1 to O3, E1, E2 and K1")]
pub struct UnknownPredicate(pub String);

impl PredicateId {
    /// All of them, in the order of reports.
    pub const ALL: [Self; 15] = [
        Self::I1,
        Self::I2,
        Self::I3,
        Self::I4,
        Self::I5,
        Self::I7,
        Self::P1,
        Self::P2,
        Self::P3,
        Self::O1,
        Self::O2,
        Self::O3,
        Self::E1,
        Self::E2,
        Self::K1,
    ];

    /// Gives the text of the id.
    pub const fn name(self) -> &'static str {
        match self {
            Self::I1 => "I1",
            Self::I2 => "I2",
            Self::I3 => "I3",
            Self::I4 => "I4",
            Self::I5 => "I5",
            Self::I7 => "I7",
            Self::P1 => "P1",
            Self::P2 => "P2",
            Self::P3 => "P3",
            Self::O1 => "O1",
            Self::O2 => "O2",
            Self::O3 => "O3",
            Self::E1 => "E1",
            Self::E2 => "E2",
            Self::K1 => "K1",
        }
    }

    /// Says how it holds. P3 holds across databases; that nothing at the provider waits for its
    /// record, the other way round, is asked at rest alone.
    pub const fn mode(self) -> Mode {
        match self {
            Self::I1
            | Self::I2
            | Self::I3
            | Self::I4
            | Self::I7
            | Self::P1
            | Self::P2
            | Self::O1
            | Self::E1
            | Self::E2 => Mode::Snapshot,
            Self::I5 | Self::P3 | Self::O2 | Self::O3 => Mode::Across,
            Self::K1 => Mode::Rest,
        }
    }

    /// Says whether some of it, or all, can be told at rest only.
    pub const fn needs_rest(self) -> bool {
        matches!(self, Self::P3 | Self::K1)
    }

    /// Gives the databases without which it cannot be told, the one that it starts from first.
    pub const fn reads(self) -> &'static [Source] {
        match self {
            Self::I1 | Self::I2 | Self::I3 | Self::I4 | Self::I7 => &[Source::Inventory],
            Self::I5 => &[Source::Order, Source::Inventory],
            Self::P1 => &[Source::Payment],
            Self::P2 | Self::P3 => &[Source::Payment, Source::Provider],
            Self::O1 | Self::E1 | Self::E2 => &[Source::Order],
            Self::O2 => &[Source::Order, Source::Payment],
            Self::O3 => &[Source::Order, Source::Inventory, Source::Payment],
            Self::K1 => &[Source::Inventory, Source::Order],
        }
    }
}

impl fmt::Display for PredicateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for PredicateId {
    type Err = UnknownPredicate;

    fn from_str(text: &str) -> Result<Self, UnknownPredicate> {
        let found = Self::ALL.into_iter().find(|id| id.name() == text);
        found.ok_or_else(|| UnknownPredicate(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::{Mode, PredicateId};

    #[test]
    fn every_id_reads_back_and_comes_once() {
        let mut seen = Vec::new();
        for id in PredicateId::ALL {
            assert_eq!(id.name().parse(), Ok(id));
            assert!(!seen.contains(&id));
            assert!(!id.reads().is_empty());
            seen.push(id);
        }
        assert!("I6".parse::<PredicateId>().is_err());
        assert!("i1".parse::<PredicateId>().is_err());
    }

    #[test]
    fn what_one_snapshot_tells_starts_from_one_database() {
        for id in PredicateId::ALL {
            // P2 holds at the provider too, where it is a matter of its ledger alone.
            if id.mode() == Mode::Snapshot && id != PredicateId::P2 {
                assert_eq!(id.reads().len(), 1, "{id}");
            }
        }
    }
}
