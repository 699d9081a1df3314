//! AdjustStock.

use holdfast_kit::refusal::CallError;
use holdfast_proto::inventory::{AdjustStockRequest, AdjustStockResponse};

use super::Api;
use super::change::{Changed, unexpected};
use crate::convert;

impl Api {
    pub(super) async fn adjust(
        &self,
        request: AdjustStockRequest,
    ) -> Result<AdjustStockResponse, CallError> {
        let change = convert::change::adjust_stock(request)?;
        let sku = change.sku.clone();
        match self.change(change).await? {
            Changed::Level {
                location_id,
                level,
                replayed,
            } => {
                let level = convert::stock::level(&sku, &location_id, &level);
                Ok(AdjustStockResponse {
                    level: Some(level),
                    replayed,
                })
            }
            Changed::Card { .. } => Err(unexpected()),
        }
    }
}
