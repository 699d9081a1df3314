//! Refusals and outcomes that are not known, as the wire's reasons. Every case has its own arm, so
//! that a new one cannot go unmapped.

use std::time::Duration;

use holdfast_kit::refusal::{Reason, Refusal, Shortage, Unknown};
use saga_batch::WriteError;

use crate::domain::change;
use crate::domain::names::Sku;
use crate::domain::record::{self, Barring};

/// SKUs that the metadata of UNKNOWN_SKU names at most.
const SKUS_NAMED_MAX: usize = 50;
/// When to ask again for what is still running.
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(25);

/// The refusal of an order.
pub(crate) fn allocation_refusal(refusal: record::Refusal) -> Refusal {
    match refusal {
        record::Refusal::UnknownSku { skus } => unknown_skus(&skus),
        record::Refusal::OutOfStock { shortages } => {
            let message = "there are fewer units available than asked for";
            let shortages = shortages.into_iter().map(shortage).collect();
            Refusal::new(Reason::OutOfStock, message).with_shortages(shortages)
        }
    }
}

fn shortage(shortage: record::Shortage) -> Shortage {
    Shortage {
        sku: shortage.sku.to_string(),
        requested: shortage.requested,
        available: shortage.available,
        location_id: shortage
            .location_id
            .map(|location_id| location_id.to_string()),
        version: Some(shortage.version),
    }
}

/// UNKNOWN_SKU of these.
pub(crate) fn unknown_skus(skus: &[Sku]) -> Refusal {
    let named: Vec<&str> = skus.iter().take(SKUS_NAMED_MAX).map(Sku::as_str).collect();
    Refusal::new(Reason::UnknownSku, "a SKU was never put").with_metadata("skus", named.join(","))
}

/// The refusal of a change of `sku`.
pub(crate) fn change_refusal(sku: &Sku, refusal: &change::Refusal) -> Refusal {
    match refusal {
        change::Refusal::UnknownSku => unknown_skus(std::slice::from_ref(sku)),
        change::Refusal::BelowReserved { on_hand, reserved } => Refusal::new(
            Reason::BelowReserved,
            "on_hand would fall below what is reserved, or 0",
        )
        .with_metadata("on_hand", on_hand.to_string())
        .with_metadata("reserved", reserved.to_string()),
    }
}

/// Why an order is barred.
pub(crate) fn barring_reason(barring: Barring) -> Reason {
    match barring {
        Barring::Released => Reason::ReservationReleased,
        Barring::Tombstoned => Reason::ReservationTombstoned,
        Barring::KeyTooOld => Reason::KeyTooOld,
    }
}

/// The outcome of an item that needs a stock row which somebody else holds.
pub(crate) fn contested() -> Unknown {
    Unknown::new(
        Reason::InFlight,
        "another session holds a stock row that it needs; ask again",
    )
    .with_retry_delay(ASK_AGAIN_AFTER)
}

/// The outcome of an item that the writer has no reply for. Never a refusal: an item that found the
/// queue full has not happened, and is to be asked again like one that may have.
pub(crate) fn unwritten(error: WriteError) -> Unknown {
    match error {
        WriteError::Full => Unknown::new(Reason::InFlight, "the queue is full; ask again")
            .with_retry_delay(ASK_AGAIN_AFTER),
        WriteError::Closed => Unknown::not_serving(),
        WriteError::Unavailable => Unknown::database_unavailable(),
        WriteError::Rejected {
            sqlstate,
            constraint,
        } => {
            tracing::error!(sqlstate, constraint, "the database refused an item");
            Unknown::internal()
        }
    }
}
