//! The calls of InventoryService, one file per verb: read the request, ask the store, write the
//! answer. No handler holds a connection over its call, and none decides anything.

use std::sync::Arc;

use holdfast_kit::refusal::{CallError, Unknown};
use holdfast_proto::inventory::inventory_service_server::InventoryService;
use holdfast_proto::inventory::{
    AdjustStockRequest, AdjustStockResponse, BatchAllocateRequest, BatchAllocateResponse,
    BatchGetStockRequest, BatchGetStockResponse, BatchReleaseRequest, BatchReleaseResponse,
    GetSkuRequest, GetSkuResponse, GetStockRequest, GetStockResponse, ListSkusRequest,
    ListSkusResponse, PutSkuRequest, PutSkuResponse,
};
use saga_batch::Writer;
use tonic::{Request, Response, Status};

use crate::store::{AllocateBatch, ChangeBatch, Reader, ReleaseBatch};

mod adjust_stock;
mod batch_allocate;
mod batch_release;
mod change;
mod get_stock;
mod outcomes;
mod put_sku;
mod skus;

pub(crate) use outcomes::Outcomes;

/// What the calls are answered with.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    pub(crate) reader: Reader,
    pub(crate) allocations: Writer<AllocateBatch>,
    pub(crate) releases: Writer<ReleaseBatch>,
    pub(crate) changes: Writer<ChangeBatch>,
    pub(crate) outcomes: Arc<Outcomes>,
}

/// The answer to a read that failed: nothing is known, and the cause stays in the log.
fn read_failed(error: &sqlx::Error) -> CallError {
    tracing::warn!(%error, "a read failed");
    Unknown::database_unavailable().into()
}

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl InventoryService for Api {
    async fn put_sku(&self, request: Request<PutSkuRequest>) -> Answer<PutSkuResponse> {
        Ok(Response::new(self.put(request.into_inner()).await?))
    }

    async fn get_sku(&self, request: Request<GetSkuRequest>) -> Answer<GetSkuResponse> {
        Ok(Response::new(self.sku(request.into_inner()).await?))
    }

    async fn list_skus(&self, request: Request<ListSkusRequest>) -> Answer<ListSkusResponse> {
        Ok(Response::new(self.list(&request.into_inner()).await?))
    }

    async fn get_stock(&self, request: Request<GetStockRequest>) -> Answer<GetStockResponse> {
        Ok(Response::new(self.stock(request.into_inner()).await?))
    }

    async fn batch_get_stock(
        &self,
        request: Request<BatchGetStockRequest>,
    ) -> Answer<BatchGetStockResponse> {
        Ok(Response::new(self.stocks(&request.into_inner()).await?))
    }

    async fn adjust_stock(
        &self,
        request: Request<AdjustStockRequest>,
    ) -> Answer<AdjustStockResponse> {
        Ok(Response::new(self.adjust(request.into_inner()).await?))
    }

    async fn batch_allocate(
        &self,
        request: Request<BatchAllocateRequest>,
    ) -> Answer<BatchAllocateResponse> {
        Ok(Response::new(self.allocate(request.into_inner()).await?))
    }

    async fn batch_release(
        &self,
        request: Request<BatchReleaseRequest>,
    ) -> Answer<BatchReleaseResponse> {
        Ok(Response::new(self.release(request.into_inner()).await?))
    }
}

#[cfg(test)]
mod tests;
