//! What PutSku and AdjustStock share: submit the change, and again while somebody else holds what
//! it touches.

use std::time::Duration;

use holdfast_kit::refusal::{CallError, Reason, Refusal, Unknown};

use super::Api;
use crate::convert::refusal::change_refusal;
use crate::domain::change::{Answer, Change};
use crate::domain::names::LocationId;
use crate::domain::stock::{Level, SkuCard};

/// A change whose row is held by somebody else is tried so often.
const TRIES_MAX: u32 = 20;
/// The pause before it is tried again.
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(100);

/// A change that was made, now or before.
pub(super) enum Changed {
    Card {
        card: SkuCard,
        replayed: bool,
    },
    Level {
        location_id: LocationId,
        level: Level,
        replayed: bool,
    },
}

impl Api {
    pub(super) async fn change(&self, change: Change) -> Result<Changed, CallError> {
        for _ in 0..TRIES_MAX {
            match self.changes.submit(change.clone()).await? {
                Answer::Card { card, replayed } => return Ok(Changed::Card { card, replayed }),
                Answer::Level {
                    location_id,
                    level,
                    replayed,
                } => {
                    return Ok(Changed::Level {
                        location_id,
                        level,
                        replayed,
                    });
                }
                Answer::Refused(refusal) => {
                    return Err(change_refusal(&change.sku, &refusal).into());
                }
                Answer::TooMuch => {
                    let expected = "no more than leaves on_hand at 10^15";
                    return Err(Refusal::invalid_field("delta", expected).into());
                }
                Answer::KeyReused(fields) => return Err(Refusal::key_reused(fields).into()),
                Answer::Contested => tokio::time::sleep(TRY_AGAIN_AFTER).await,
            }
        }
        let message = "another session holds the stock row; call again with the same request_id";
        Err(Unknown::new(Reason::DatabaseUnavailable, message).into())
    }
}

/// The answer to a call whose change was answered as another call's.
pub(super) fn unexpected() -> CallError {
    tracing::error!("a change was answered as one of another kind");
    Unknown::internal().into()
}
