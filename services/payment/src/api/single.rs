//! The single forms. They wait for the definite answer as long as the caller does, and then say
//! that it is not known; the operation goes on, and the same call again gets its answer.

use std::{sync::Arc, time::Duration};

use holdfast_kit::{
    deadline,
    id::PaymentId,
    refusal::{CallError, Reason, Refusal, Unknown},
};
use holdfast_proto::payment::{
    AuthorizeRequest, AuthorizeResponse, CaptureRequest, CaptureResponse, Payment, RefundRequest,
    RefundResponse, ReverseRequest, ReverseResponse, VoidRequest, VoidResponse,
};
use tokio::time::Instant;
use tonic::Request;

use super::Payments;
use crate::{
    convert,
    domain::Outcome,
    drive::{Gathering, Told},
    store::Begin,
};

/// How long a call without a deadline waits for the provider.
const WAIT_DEFAULT: Duration = Duration::from_secs(30);

/// The answer leaves this long before the caller's deadline, so that it arrives.
const ANSWER_MARGIN: Duration = Duration::from_millis(20);

/// When the answer has to leave.
fn answer_by<T>(request: &Request<T>) -> Instant {
    let now = Instant::now();
    match deadline::of(request) {
        Some(deadline) => deadline.checked_sub(ANSWER_MARGIN).unwrap_or(now).max(now),
        None => now + WAIT_DEFAULT,
    }
}

impl Payments {
    pub(super) async fn authorize_one(
        &self,
        request: Request<AuthorizeRequest>,
    ) -> Result<AuthorizeResponse, CallError> {
        let until = answer_by(&request);
        let ask = Arc::new(convert::authorization(request.into_inner())?);
        let (payment_id, gathering) = (ask.payment_id, Gathering::new(1));
        self.driver.authorize(vec![(0, ask)], &gathering, until);
        let (payment, replayed) = self.answer(payment_id, &gathering, until).await?;
        Ok(AuthorizeResponse {
            payment: Some(payment),
            replayed,
        })
    }

    pub(super) async fn capture_one(
        &self,
        request: Request<CaptureRequest>,
    ) -> Result<CaptureResponse, CallError> {
        let until = answer_by(&request);
        let (id, ask) = convert::capture(request.into_inner())?;
        let (payment, replayed) = self.begin_one(Begin::Capture(id, ask), until).await?;
        Ok(CaptureResponse {
            payment: Some(payment),
            replayed,
        })
    }

    pub(super) async fn void_one(
        &self,
        request: Request<VoidRequest>,
    ) -> Result<VoidResponse, CallError> {
        let until = answer_by(&request);
        let id = convert::payment_id(&request.into_inner().payment_id)?;
        let (payment, replayed) = self.begin_one(Begin::Void(id), until).await?;
        Ok(VoidResponse {
            payment: Some(payment),
            replayed,
        })
    }

    pub(super) async fn refund_one(
        &self,
        request: Request<RefundRequest>,
    ) -> Result<RefundResponse, CallError> {
        let until = answer_by(&request);
        let (id, ask) = convert::refund(request.into_inner())?;
        let (payment, replayed) = self.begin_one(Begin::Refund(id, ask), until).await?;
        Ok(RefundResponse {
            payment: Some(payment),
            replayed,
        })
    }

    pub(super) async fn reverse_one(
        &self,
        request: Request<ReverseRequest>,
    ) -> Result<ReverseResponse, CallError> {
        let until = answer_by(&request);
        let id = convert::payment_id(&request.into_inner().payment_id)?;
        let (payment, replayed) = self.begin_one(Begin::Reverse(id), until).await?;
        Ok(ReverseResponse {
            payment: Some(payment),
            replayed,
        })
    }

    async fn begin_one(&self, begin: Begin, until: Instant) -> Result<(Payment, bool), CallError> {
        let (payment_id, gathering) = (begin.id().payment, Gathering::new(1));
        self.driver.begin(vec![(0, begin)], &gathering, until);
        self.answer(payment_id, &gathering, until).await
    }

    /// Waits for the answer, and gives the payment as it stands now.
    async fn answer(
        &self,
        payment_id: PaymentId,
        gathering: &Gathering,
        until: Instant,
    ) -> Result<(Payment, bool), CallError> {
        let told = gathering.until(until).await.pop().flatten();
        let Some(Told { replayed, answer }) = told else {
            return Err(not_heard().into());
        };
        match answer? {
            Outcome::Done(_) => Ok((self.payment(payment_id).await?, replayed)),
            Outcome::Refused(refusal) => Err(refusal.into()),
            Outcome::Barred(reason) => Err(barred(reason).into()),
        }
    }
}

fn not_heard() -> Unknown {
    Unknown::new(
        Reason::ProviderOutcomeUnknown,
        "the provider has not been heard; the same call again gets the answer",
    )
}

fn barred(reason: Reason) -> Refusal {
    let message = match reason {
        Reason::KeyTooOld => "the payment_id is older than reversals are remembered",
        Reason::PaymentTombstoned => "the payment was reversed before it was authorized",
        _ => "the payment was reversed",
    };
    Refusal::new(reason, message)
}
