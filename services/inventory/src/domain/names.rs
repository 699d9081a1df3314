//! The names that callers choose. A value of these types has passed the wire's checks; nothing
//! below checks it again.

use std::borrow::Borrow;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Where stock is when nobody says where.
pub(crate) const DEFAULT_LOCATION: &str = "default";

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub(crate) struct $name(String);

        impl $name {
            /// Takes a name that has been checked.
            pub(crate) fn new(name: impl Into<String>) -> Self {
                Self(name.into())
            }

            /// Gives the name as its column holds it.
            pub(crate) fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name! {
    /// The name of a thing that is sold.
    Sku
}

name! {
    /// The name of a place that keeps stock.
    LocationId
}

name! {
    /// A caller's key for one change.
    RequestId
}

impl LocationId {
    /// Whether it is the place of stock that nobody placed.
    pub(crate) fn is_default(&self) -> bool {
        self.0 == DEFAULT_LOCATION
    }
}

impl Default for LocationId {
    fn default() -> Self {
        Self::new(DEFAULT_LOCATION)
    }
}

/// One stock row: a SKU at a location. Rows are locked in the order of these keys.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct StockKey {
    /// The SKU.
    pub(crate) sku: Sku,
    /// The location.
    pub(crate) location_id: LocationId,
}
