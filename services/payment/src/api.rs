//! PaymentService on the wire: reads requests, has them driven, and answers in time. A handler owns
//! nothing that must be finished; what it began goes on without it.

mod batch;
mod read;
mod single;

use holdfast_proto::payment::{
    AuthorizeRequest, AuthorizeResponse, BatchAuthorizeRequest, BatchAuthorizeResponse,
    BatchReverseRequest, BatchReverseResponse, CaptureRequest, CaptureResponse,
    GetOperationRequest, GetOperationResponse, GetPaymentRequest, GetPaymentResponse,
    RefundRequest, RefundResponse, ReverseRequest, ReverseResponse, VoidRequest, VoidResponse,
    payment_service_server::PaymentService,
};
use sqlx::PgPool;
use tonic::{Request, Response, Status};

use crate::{domain::Provider, drive::Driver};

pub use batch::ITEMS_MAX;

/// The handlers of PaymentService.
pub(crate) struct Payments {
    pub(crate) driver: Driver,
    pub(crate) reads: PgPool,
    pub(crate) provider: Provider,
}

#[tonic::async_trait]
impl PaymentService for Payments {
    async fn authorize(
        &self,
        request: Request<AuthorizeRequest>,
    ) -> Result<Response<AuthorizeResponse>, Status> {
        Ok(Response::new(self.authorize_one(request).await?))
    }

    async fn capture(
        &self,
        request: Request<CaptureRequest>,
    ) -> Result<Response<CaptureResponse>, Status> {
        Ok(Response::new(self.capture_one(request).await?))
    }

    async fn void(&self, request: Request<VoidRequest>) -> Result<Response<VoidResponse>, Status> {
        Ok(Response::new(self.void_one(request).await?))
    }

    async fn refund(
        &self,
        request: Request<RefundRequest>,
    ) -> Result<Response<RefundResponse>, Status> {
        Ok(Response::new(self.refund_one(request).await?))
    }

    async fn reverse(
        &self,
        request: Request<ReverseRequest>,
    ) -> Result<Response<ReverseResponse>, Status> {
        Ok(Response::new(self.reverse_one(request).await?))
    }

    async fn batch_authorize(
        &self,
        request: Request<BatchAuthorizeRequest>,
    ) -> Result<Response<BatchAuthorizeResponse>, Status> {
        Ok(Response::new(
            self.authorize_batch(request.into_inner()).await?,
        ))
    }

    async fn batch_reverse(
        &self,
        request: Request<BatchReverseRequest>,
    ) -> Result<Response<BatchReverseResponse>, Status> {
        Ok(Response::new(
            self.reverse_batch(request.into_inner()).await?,
        ))
    }

    async fn get_payment(
        &self,
        request: Request<GetPaymentRequest>,
    ) -> Result<Response<GetPaymentResponse>, Status> {
        Ok(Response::new(
            self.read_payment(&request.into_inner()).await?,
        ))
    }

    async fn get_operation(
        &self,
        request: Request<GetOperationRequest>,
    ) -> Result<Response<GetOperationResponse>, Status> {
        Ok(Response::new(
            self.read_operation(&request.into_inner()).await?,
        ))
    }
}
