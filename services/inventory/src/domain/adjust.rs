//! What an adjustment does to one shelf. on_hand never falls below 0, nor below what is reserved
//! unless the caller lets it; what is reserved and not there stands as shortfall.

use chrono::{DateTime, Utc};
use holdfast_kit::id::OrderId;
use serde::{Deserialize, Serialize};

use super::names::LocationId;
use super::stock::Level;

/// More units than this are never on one shelf.
pub(crate) const ON_HAND_MAX: i64 = 1_000_000_000_000_000;

/// Why on_hand changes when somebody says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum AdjustReason {
    /// Goods came in.
    Received,
    /// Goods were lost or broken.
    Damaged,
    /// Somebody counted.
    Counted,
    /// Shipped goods came back.
    Returned,
    /// Goods went to or came from another location.
    Transfer,
    /// An earlier entry was wrong.
    Correction,
}

/// What one adjustment says, as received.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Adjustment {
    /// The location; none: the default one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) location_id: Option<LocationId>,
    /// Units that came (positive) or went.
    pub(crate) delta: i64,
    /// Why.
    pub(crate) reason: AdjustReason,
    /// Whether on_hand may fall below what is reserved.
    #[serde(default)]
    pub(crate) shortfall: Shortfall,
    /// The order that the units come back from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) order_id: Option<OrderId>,
}

/// What is to happen when on_hand would fall below what is reserved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Shortfall {
    /// The adjustment is refused.
    #[default]
    Refuse,
    /// The difference stands as shortfall.
    Record,
}

/// Why a shelf can't change so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Impossible {
    /// on_hand would fall below what is reserved, or below 0.
    BelowReserved,
    /// on_hand would pass [`ON_HAND_MAX`].
    TooMuch,
}

/// Adjusts a level; none: nothing was ever at the location, and the first stock makes it.
///
/// # Errors
/// [`Impossible`]; the level stays as it is.
pub(crate) fn adjust(
    level: Option<&Level>,
    adjustment: &Adjustment,
    now: DateTime<Utc>,
) -> Result<Level, Impossible> {
    let (on_hand, reserved) = level.map_or((0, 0), |level| (level.on_hand, level.reserved));
    let on_hand = on_hand
        .checked_add(adjustment.delta)
        .ok_or(Impossible::TooMuch)?;
    if on_hand > ON_HAND_MAX {
        return Err(Impossible::TooMuch);
    }
    let lowers = adjustment.delta < 0;
    let below_reserved = on_hand < reserved && adjustment.shortfall == Shortfall::Refuse;
    if on_hand < 0 || (lowers && below_reserved) {
        return Err(Impossible::BelowReserved);
    }
    Ok(Level {
        on_hand,
        reserved,
        shortfall: (reserved - on_hand).max(0),
        version: level.map_or(0, |level| level.version) + 1,
        count_version: level.map_or(0, |level| level.count_version) + 1,
        update_time: now,
    })
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::{AdjustReason, Adjustment, Impossible, ON_HAND_MAX, Shortfall, adjust};
    use crate::domain::stock::Level;

    fn level(on_hand: i64, reserved: i64, shortfall: i64) -> Level {
        let update_time = DateTime::<Utc>::UNIX_EPOCH;
        Level {
            on_hand,
            reserved,
            shortfall,
            version: 4,
            count_version: 2,
            update_time,
        }
    }

    fn by(delta: i64, shortfall: Shortfall) -> Adjustment {
        let reason = AdjustReason::Counted;
        Adjustment {
            location_id: None,
            delta,
            reason,
            shortfall,
            order_id: None,
        }
    }

    #[test]
    fn a_level_changes_by_the_table() {
        use Impossible::{BelowReserved, TooMuch};
        use Shortfall::{Record, Refuse};
        let table = [
            (None, 5, Refuse, Ok((5, 0))),
            (None, -1, Refuse, Err(BelowReserved)),
            (None, -1, Record, Err(BelowReserved)),
            (Some(level(10, 4, 0)), -6, Refuse, Ok((4, 0))),
            (Some(level(10, 4, 0)), -7, Refuse, Err(BelowReserved)),
            (Some(level(10, 4, 0)), -7, Record, Ok((3, 1))),
            (Some(level(10, 4, 0)), -10, Record, Ok((0, 4))),
            (Some(level(10, 4, 0)), -11, Record, Err(BelowReserved)),
            (Some(level(1, 4, 3)), 1, Refuse, Ok((2, 2))),
            (Some(level(1, 4, 3)), 5, Refuse, Ok((6, 0))),
            (Some(level(1, 4, 3)), -1, Refuse, Err(BelowReserved)),
            (Some(level(ON_HAND_MAX, 0, 0)), 1, Refuse, Err(TooMuch)),
            (Some(level(i64::MAX, 0, 0)), 1, Refuse, Err(TooMuch)),
        ];
        for (before, delta, shortfall, expected) in table {
            let found = adjust(before.as_ref(), &by(delta, shortfall), DateTime::UNIX_EPOCH)
                .map(|level| (level.on_hand, level.shortfall));
            assert_eq!(found, expected, "{before:?} {delta} {shortfall:?}");
        }
    }

    #[test]
    fn both_versions_go_up() {
        let changed = adjust(Some(&level(1, 0, 0)), &by(1, Shortfall::Refuse), Utc::now()).unwrap();
        assert_eq!((changed.version, changed.count_version), (5, 3));
        let made = adjust(None, &by(1, Shortfall::Refuse), Utc::now()).unwrap();
        assert_eq!((made.version, made.count_version), (1, 1));
    }
}
