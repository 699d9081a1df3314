//! OrderService: what a call is turned into, and what its answer is. One file per verb.

use std::sync::Arc;

use holdfast_kit::trace;
use holdfast_proto::order::{self as wire, order_service_server::OrderService};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

use crate::{canceller::Canceller, placer::Placer, store::Reads};

mod cancel_order;
mod get_order;
mod list_orders;
mod place_order;
mod place_orders;

/// The service.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    pub(crate) placer: Arc<Placer>,
    pub(crate) canceller: Arc<Canceller>,
    pub(crate) reads: Reads,
    /// Cancelled when the process is to stop.
    pub(crate) shutdown: CancellationToken,
}

#[tonic::async_trait]
impl OrderService for Api {
    async fn place_order(
        &self,
        request: Request<wire::PlaceOrderRequest>,
    ) -> Result<Response<wire::PlaceOrderResponse>, Status> {
        place_order::place_order(&self.placer, request).await
    }

    type PlaceOrdersStream = place_orders::Answers;

    async fn place_orders(
        &self,
        request: Request<Streaming<wire::PlaceOrdersRequest>>,
    ) -> Result<Response<Self::PlaceOrdersStream>, Status> {
        Ok(Response::new(place_orders::place_orders(
            &self.placer,
            trace::of(&request),
            request.into_inner(),
            self.shutdown.clone(),
        )))
    }

    async fn get_order(
        &self,
        request: Request<wire::GetOrderRequest>,
    ) -> Result<Response<wire::GetOrderResponse>, Status> {
        get_order::get_order(&self.reads, &request.into_inner()).await
    }

    async fn list_orders(
        &self,
        request: Request<wire::ListOrdersRequest>,
    ) -> Result<Response<wire::ListOrdersResponse>, Status> {
        list_orders::list_orders(&self.reads, request.into_inner()).await
    }

    async fn cancel_order(
        &self,
        request: Request<wire::CancelOrderRequest>,
    ) -> Result<Response<wire::CancelOrderResponse>, Status> {
        cancel_order::cancel_order(&self.canceller, &self.reads, request).await
    }
}
