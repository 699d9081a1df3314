//! The reading RPCs. A payment or key never seen is an answer of GetOperation, not an error.

use holdfast_kit::{
    id::PaymentId,
    refusal::{CallError, Reason, Refusal, Unknown},
};
use holdfast_proto::payment::{
    GetOperationRequest, GetOperationResponse, GetPaymentRequest, GetPaymentResponse,
    OperationState, Payment,
};

use super::Payments;
use crate::{
    convert,
    domain::{self, Method, Operation, Progress},
    store,
};

impl Payments {
    pub(super) async fn read_payment(
        &self,
        request: &GetPaymentRequest,
    ) -> Result<GetPaymentResponse, CallError> {
        let id = convert::payment_id(&request.payment_id)?;
        Ok(GetPaymentResponse {
            payment: Some(self.payment(id).await?),
        })
    }

    pub(super) async fn read_operation(
        &self,
        request: &GetOperationRequest,
    ) -> Result<GetOperationResponse, CallError> {
        let (id, method) = convert::method(request)?;
        let Some(payment) = self.stored(id).await? else {
            return Ok(without_operation(OperationState::NeverSeen));
        };
        if payment.is_tombstone() && method == Method::Reverse {
            let mut reversal = Operation::in_flight(method, "", 0, payment.create_time);
            reversal.progress = Progress::Done;
            return Ok(with_operation(&payment, &reversal));
        }
        if let Some(operation) = payment.operation(method, &request.request_id) {
            return Ok(with_operation(&payment, operation));
        }
        // Once a payment is reversed nothing can be taken from anybody any more.
        let is_barred = match method {
            Method::Authorize | Method::Capture => payment.reversal.is_some(),
            Method::Void | Method::Refund | Method::Reverse => payment.is_tombstone(),
        };
        Ok(without_operation(if is_barred {
            OperationState::Tombstoned
        } else {
            OperationState::NeverSeen
        }))
    }

    /// Reads a payment as it stands now.
    pub(super) async fn payment(&self, id: PaymentId) -> Result<Payment, CallError> {
        match self.stored(id).await? {
            Some(payment) => Ok(convert::payment(&payment, self.provider)),
            None => Err(Refusal::new(Reason::PaymentNotFound, "no such payment").into()),
        }
    }

    async fn stored(&self, id: PaymentId) -> Result<Option<domain::Payment>, CallError> {
        store::payment(&self.reads, id).await.map_err(|error| {
            let is_defect = matches!(error, sqlx::Error::Decode(_) | sqlx::Error::Database(_));
            if is_defect {
                tracing::error!(payment.id = %id, %error, "a payment cannot be read");
                Unknown::internal().into()
            } else {
                tracing::warn!(%error, "the payment database cannot be reached");
                Unknown::database_unavailable().into()
            }
        })
    }
}

fn with_operation(payment: &domain::Payment, operation: &Operation) -> GetOperationResponse {
    let operation = convert::operation(payment, operation);
    GetOperationResponse {
        state: operation.state,
        operation: Some(operation),
    }
}

fn without_operation(state: OperationState) -> GetOperationResponse {
    GetOperationResponse {
        state: state.into(),
        operation: None,
    }
}
