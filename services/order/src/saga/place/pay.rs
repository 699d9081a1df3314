//! Step 2: charge the total, or authorize it where it is captured on fulfilment; undone by reversing
//! whatever has become of it. A total of 0 has no payment.

use holdfast_kit::{id::PaymentId, refusal::Refusal};
use holdfast_proto::payment::{
    AuthorizeItem, BatchAuthorizeRequest, BatchReverseRequest, PaymentResult, ReverseItem,
    payment_result, payment_service_client::PaymentServiceClient,
};
use saga_runtime::{Outcome, Step, Undo};
use tonic::transport::Channel;

use super::Placing;
use crate::domain::Capture;
use crate::saga::participant::{self, Linked};

pub(super) struct Pay {
    payment: PaymentServiceClient<Channel>,
}

impl Pay {
    pub(super) fn new(channel: Channel) -> Self {
        Self {
            payment: PaymentServiceClient::new(channel),
        }
    }
}

impl Step<Placing> for Pay {
    type Input = Linked<AuthorizeItem>;
    /// What the payment took, in minor units.
    type Output = i64;
    type UndoInput = Linked<PaymentId>;

    const NAME: &'static str = "pay";

    fn input(&self, placing: &Placing) -> Option<Linked<AuthorizeItem>> {
        let placement = &placing.placement;
        let item = || AuthorizeItem {
            payment_id: PaymentId::from(placing.order_id).to_wire_bytes(),
            amount: Some(placement.total.to_wire()),
            payment_method: placement.payment_method.clone(),
            customer_id: placement.customer_id.clone(),
            auto_capture: placement.capture == Capture::OnConfirm,
            request_id: String::new(),
        };
        (placement.total.minor_units > 0).then(|| placing.linked(item()))
    }

    fn output(&self, placing: &mut Placing, captured_minor_units: i64) {
        placing.captured_minor_units = captured_minor_units;
    }

    async fn run(&self, inputs: Vec<Linked<AuthorizeItem>>) -> Vec<Outcome<i64, Refusal>> {
        let count = inputs.len();
        let mut payment = self.payment.clone();
        let request = participant::request(inputs, |items| BatchAuthorizeRequest { items });
        let call = payment.batch_authorize(request);
        match participant::answered("payment", count, call, |answer| answer.results).await {
            Ok(results) => results.into_iter().map(outcome).collect(),
            Err(error) => vec![Outcome::Unknown { error }; count],
        }
    }

    fn undo_input(&self, placing: &Placing) -> Option<Linked<PaymentId>> {
        let payment = || placing.linked(placing.order_id.into());
        (placing.placement.total.minor_units > 0).then(payment)
    }

    async fn undo(&self, payments: Vec<Linked<PaymentId>>) -> Vec<Undo> {
        reverse(&self.payment, payments).await
    }
}

/// Voids what is uncaptured of the payments and refunds what is captured; a payment never seen is
/// stopped.
pub(in crate::saga) async fn reverse(
    payment: &PaymentServiceClient<Channel>,
    payments: Vec<Linked<PaymentId>>,
) -> Vec<Undo> {
    let count = payments.len();
    let item = |id: PaymentId| ReverseItem {
        payment_id: id.to_wire_bytes(),
    };
    let mut payment = payment.clone();
    let request = participant::request(payments, |ids| BatchReverseRequest {
        items: ids.into_iter().map(item).collect(),
    });
    let call = payment.batch_reverse(request);
    match participant::answered("payment", count, call, |answer| answer.results).await {
        Ok(results) => results
            .into_iter()
            .map(outcome)
            .map(participant::undone)
            .collect(),
        Err(error) => vec![Undo::Unknown { error }; count],
    }
}

fn outcome(result: PaymentResult) -> Outcome<i64, Refusal> {
    match result.outcome {
        Some(payment_result::Outcome::Done(done)) => Outcome::Done(done.captured_minor_units),
        Some(payment_result::Outcome::Refusal(refusal)) => participant::refused(refusal),
        Some(payment_result::Outcome::Unknown(unknown)) => participant::unknown(&unknown),
        Some(payment_result::Outcome::Barred(_)) => Outcome::Barred,
        None => participant::empty(),
    }
}
