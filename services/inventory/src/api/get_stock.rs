//! GetStock and BatchGetStock.

use holdfast_kit::refusal::{CallError, Refusal};
use holdfast_kit::validate::{self, Violations};
use holdfast_proto::inventory::{
    BatchGetStockRequest, BatchGetStockResponse, GetStockRequest, GetStockResponse, GetStockResult,
    get_stock_result::Outcome,
};

use super::{Api, read_failed};
use crate::convert;
use crate::domain::names::Sku;

/// SKUs of one BatchGetStock at most.
const SKUS_MAX: usize = 1_000;

impl Api {
    pub(super) async fn stock(
        &self,
        request: GetStockRequest,
    ) -> Result<GetStockResponse, CallError> {
        check("sku", &request.sku)?;
        let read = self.reader.stock(&[&request.sku]).await;
        let stock = read.map_err(|error| read_failed(&error))?;
        match stock.get(request.sku.as_str()) {
            Some(stock) => Ok(GetStockResponse {
                stock: Some(convert::stock::stock(stock)),
            }),
            None => Err(convert::refusal::unknown_skus(&[Sku::new(request.sku)]).into()),
        }
    }

    pub(super) async fn stocks(
        &self,
        request: &BatchGetStockRequest,
    ) -> Result<BatchGetStockResponse, CallError> {
        let mut v = Violations::new();
        if !(1..=SKUS_MAX).contains(&request.skus.len()) {
            v.push("skus", "1 to 1,000 SKUs");
        }
        v.into_result()?;
        let checks = request.skus.iter().enumerate();
        let checked: Vec<Result<&str, Refusal>> = checks
            .map(|(number, sku)| check(&format!("skus[{number}]"), sku).map(|()| sku.as_str()))
            .collect();
        let mut wanted: Vec<&str> = checked.iter().flatten().copied().collect();
        wanted.sort_unstable();
        wanted.dedup();
        let stock = self
            .reader
            .stock(&wanted)
            .await
            .map_err(|error| read_failed(&error))?;
        let results = checked.into_iter().map(|checked| {
            let outcome = match checked {
                Err(refusal) => Outcome::Refusal(refusal.into()),
                Ok(sku) => match stock.get(sku) {
                    Some(stock) => Outcome::Stock(convert::stock::stock(stock)),
                    None => {
                        let unknown = convert::refusal::unknown_skus(&[Sku::new(sku)]);
                        Outcome::Refusal(unknown.into())
                    }
                },
            };
            GetStockResult {
                outcome: Some(outcome),
            }
        });
        Ok(BatchGetStockResponse {
            results: results.collect(),
        })
    }
}

fn check(field: &str, sku: &str) -> Result<(), Refusal> {
    let mut v = Violations::new();
    validate::sku(&mut v, field, sku);
    v.into_result()
}
