//! The changes that callers make one by one, each under a key. A key binds to what it first came
//! with: the same again is answered from the present state, another body is refused.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::adjust::Adjustment;
use super::names::{LocationId, RequestId, Sku};
use super::stock::{Level, SkuCard};

mod books;

pub(crate) use books::{Books, stock_row};

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// The SKU that it is of, the scope of its key.
    pub(crate) sku: Sku,
    /// The caller's key.
    pub(crate) request_id: RequestId,
    /// What it says.
    pub(crate) body: Body,
}

/// What a change says, as received and without its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    /// Make the SKU, or replace its card.
    PutSku(CardBody),
    /// Change what is on hand.
    AdjustStock(Adjustment),
}

/// The title and pairs of a SKU.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CardBody {
    /// What people call it.
    #[serde(default)]
    pub(crate) title: String,
    /// The caller's pairs.
    #[serde(default)]
    pub(crate) attributes: BTreeMap<String, String>,
}

/// Which call a key belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Method {
    /// PutSku.
    PutSku,
    /// AdjustStock.
    AdjustStock,
}

/// The scope and name of a key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ChangeKey {
    /// The SKU.
    pub(crate) sku: Sku,
    /// The call.
    pub(crate) method: Method,
    /// The caller's key.
    pub(crate) request_id: RequestId,
}

/// What a key first came with, and how that ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Operation {
    /// What it came with.
    pub(crate) body: Body,
    /// Its refusal; none: it was done.
    pub(crate) refusal: Option<Refusal>,
}

/// A definite no that is recorded under the key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason")]
pub(crate) enum Refusal {
    /// The SKU was never put.
    #[serde(rename = "UNKNOWN_SKU")]
    UnknownSku,
    /// on_hand would have fallen below what is reserved, or below 0.
    #[serde(rename = "BELOW_RESERVED")]
    BelowReserved {
        /// Units on the shelf as it was refused.
        on_hand: i64,
        /// Units spoken for.
        reserved: i64,
    },
}

/// What a change is answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The SKU as it now is.
    Card {
        /// The SKU.
        card: SkuCard,
        /// Whether the key had come before.
        replayed: bool,
    },
    /// The stock at the location as it now is.
    Level {
        /// The location.
        location_id: LocationId,
        /// Its stock.
        level: Level,
        /// Whether the key had come before.
        replayed: bool,
    },
    /// It was refused, now or before.
    Refused(Refusal),
    /// on_hand would pass its limit; nothing is bound to the key.
    TooMuch,
    /// The key came before with another body; the fields that differ.
    KeyReused(Vec<String>),
    /// Somebody holds the stock row; nothing was decided.
    Contested,
}

impl Change {
    /// The key with its scope.
    pub(crate) fn key(&self) -> ChangeKey {
        ChangeKey {
            sku: self.sku.clone(),
            method: self.body.method(),
            request_id: self.request_id.clone(),
        }
    }
}

impl Body {
    /// The call that it is the body of.
    pub(crate) fn method(&self) -> Method {
        match self {
            Self::PutSku(_) => Method::PutSku,
            Self::AdjustStock(_) => Method::AdjustStock,
        }
    }

    /// The fields in which `received` differs; none: it is the same body.
    fn differing_fields(&self, received: &Self) -> Vec<String> {
        let differ: Vec<(&str, bool)> = match (self, received) {
            (Self::PutSku(was), Self::PutSku(is)) => vec![
                ("title", was.title != is.title),
                ("attributes", was.attributes != is.attributes),
            ],
            (Self::AdjustStock(was), Self::AdjustStock(is)) => vec![
                ("location_id", was.location_id != is.location_id),
                ("delta", was.delta != is.delta),
                ("reason", was.reason != is.reason),
                ("allow_shortfall", was.shortfall != is.shortfall),
                ("order_id", was.order_id != is.order_id),
            ],
            (Self::PutSku(_), Self::AdjustStock(_)) | (Self::AdjustStock(_), Self::PutSku(_)) => {
                unreachable!("the method is part of the key")
            }
        };
        differ
            .into_iter()
            .filter(|(_, differs)| *differs)
            .map(|(field, _)| field.into())
            .collect()
    }
}
