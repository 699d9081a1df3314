//! PutSku.

use holdfast_kit::refusal::CallError;
use holdfast_proto::inventory::{PutSkuRequest, PutSkuResponse};

use super::Api;
use super::change::{Changed, unexpected};
use crate::convert;

impl Api {
    pub(super) async fn put(&self, request: PutSkuRequest) -> Result<PutSkuResponse, CallError> {
        match self.change(convert::change::put_sku(request)?).await? {
            Changed::Card { card, replayed } => Ok(PutSkuResponse {
                sku: Some(convert::stock::sku(card)),
                replayed,
            }),
            Changed::Level { .. } => Err(unexpected()),
        }
    }
}
