//! GetSku and ListSkus.

use holdfast_kit::page;
use holdfast_kit::refusal::CallError;
use holdfast_kit::validate::{self, Violations};
use holdfast_proto::inventory::{GetSkuRequest, GetSkuResponse, ListSkusRequest, ListSkusResponse};

use super::{Api, read_failed};
use crate::convert;
use crate::domain::names::Sku;

/// ListSkus has no filters; its tokens are bound to its name, so that no other list's pass.
const FILTERS: &str = "ListSkus";

impl Api {
    pub(super) async fn sku(&self, request: GetSkuRequest) -> Result<GetSkuResponse, CallError> {
        let mut v = Violations::new();
        validate::sku(&mut v, "sku", &request.sku);
        v.into_result()?;
        let sku = Sku::new(request.sku);
        match self
            .reader
            .sku(&sku)
            .await
            .map_err(|error| read_failed(&error))?
        {
            Some(card) => Ok(GetSkuResponse {
                sku: Some(convert::stock::sku(card)),
            }),
            None => Err(convert::refusal::unknown_skus(&[sku]).into()),
        }
    }

    pub(super) async fn list(
        &self,
        request: &ListSkusRequest,
    ) -> Result<ListSkusResponse, CallError> {
        let mut v = Violations::new();
        let size = page::size(&mut v, "page_size", request.page_size);
        v.into_result()?;
        let after: Option<String> = page::decode(&request.page_token, &FILTERS)?;
        let after = after.unwrap_or_default();
        // One more than the page holds says whether there is another.
        let read = self.reader.skus_after(&after, i64::from(size) + 1).await;
        let mut cards = read.map_err(|error| read_failed(&error))?;
        let whole = usize::try_from(size).expect("a page's size is at most 1,000");
        let next_page_token = if cards.len() > whole {
            cards.truncate(whole);
            cards
                .last()
                .map(|last| page::encode(&last.sku, &FILTERS))
                .unwrap_or_default()
        } else {
            String::new()
        };
        let skus = cards.into_iter().map(convert::stock::sku).collect();
        Ok(ListSkusResponse {
            skus,
            next_page_token,
        })
    }
}
