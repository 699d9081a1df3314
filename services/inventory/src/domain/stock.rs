//! How much there is. What can be had is never less than nothing, however much is spoken for.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::names::{LocationId, Sku};

/// A thing that is sold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SkuCard {
    /// Its name.
    pub(crate) sku: Sku,
    /// What people call it.
    pub(crate) title: String,
    /// The caller's pairs.
    pub(crate) attributes: BTreeMap<String, String>,
    /// When it was first put.
    pub(crate) create_time: DateTime<Utc>,
    /// When it last changed.
    pub(crate) update_time: DateTime<Utc>,
}

/// The stock of one SKU at one location.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Level {
    /// Units on the shelf.
    pub(crate) on_hand: i64,
    /// Units spoken for.
    pub(crate) reserved: i64,
    /// Units spoken for that are not there.
    pub(crate) shortfall: i64,
    /// Goes up with each change.
    pub(crate) version: i64,
    /// Goes up with each change of on_hand that is not a shipment.
    pub(crate) count_version: i64,
    /// When it last changed.
    pub(crate) update_time: DateTime<Utc>,
}

impl Level {
    /// Units that can be had.
    pub(crate) fn available(&self) -> i64 {
        self.on_hand.saturating_sub(self.reserved).max(0)
    }
}

/// The stock of one SKU, location by location.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stock {
    /// The SKU.
    pub(crate) sku: Sku,
    /// Its locations, by name.
    pub(crate) levels: BTreeMap<LocationId, Level>,
}

impl Stock {
    /// Adds a quantity up over the locations.
    pub(crate) fn total(&self, quantity: impl Fn(&Level) -> i64) -> i64 {
        self.levels
            .values()
            .map(quantity)
            .fold(0, i64::saturating_add)
    }
}
