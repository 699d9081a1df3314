//! What the provider's word does to a payment. The first definite answer stands; a repeated one
//! changes nothing, and silence changes no amount.

use chrono::{DateTime, Utc};
use holdfast_kit::refusal::{Reason, Refusal};

use super::{
    Amounts, Captures, Decision, Decline, DeclineKind, Method, Operation, Payment, Progress,
};

impl Payment {
    /// Writes down the provider's definite answer and takes a reversal that waited for it further.
    pub fn settle(
        &mut self,
        (method, request_id): (Method, &str),
        decision: &Decision,
        captures: Captures,
        now: DateTime<Utc>,
    ) {
        let Some(operation) = self.waiting(method, request_id) else {
            return;
        };
        operation.progress = Progress::Done;
        operation.attempts += 1;
        operation.next_time = None;
        operation.update_time = now;
        match decision {
            Decision::Succeeded { reference } => {
                operation.provider_reference = Some(reference.clone());
                let (amount, charged) = (
                    operation.amount,
                    operation
                        .terms
                        .as_ref()
                        .is_some_and(|terms| terms.auto_capture),
                );
                if method == Method::Authorize {
                    self.provider_reference = Some(reference.clone());
                }
                self.amounts = self.amounts.after(method, amount, charged, captures);
            }
            Decision::Declined(decline) => {
                operation.refusal = Some(decline.refusal(method));
                operation.provider_message = Some(decline.message.clone());
            }
        }
        self.advance_reversal(now);
        self.touch(now);
    }

    /// Writes down that the provider was asked and not heard, and when it is asked again.
    pub fn defer(
        &mut self,
        (method, request_id): (Method, &str),
        message: &str,
        next_time: DateTime<Utc>,
        now: DateTime<Utc>,
    ) {
        let Some(operation) = self.waiting(method, request_id) else {
            return;
        };
        operation.attempts += 1;
        operation.next_time = Some(next_time);
        operation.provider_message = Some(message.to_owned());
        operation.update_time = now;
        self.touch(now);
    }

    fn waiting(&mut self, method: Method, request_id: &str) -> Option<&mut Operation> {
        self.operations
            .iter_mut()
            .find(|one| one.method == method && one.request_id == request_id && one.is_in_flight())
    }
}

impl Amounts {
    /// Gives the amounts after an operation has moved `amount`.
    fn after(self, method: Method, amount: i64, charged: bool, captures: Captures) -> Self {
        let mut amounts = self;
        match method {
            Method::Authorize => {
                amounts.authorized += amount;
                amounts.captured += if charged { amount } else { 0 };
            }
            Method::Capture => {
                amounts.captured += amount;
                if captures == Captures::Once {
                    amounts.voided = amounts.authorized - amounts.captured;
                }
            }
            Method::Void => amounts.voided += amount,
            Method::Refund => amounts.refunded += amount,
            Method::Reverse => {}
        }
        amounts
    }
}

impl Decline {
    /// Gives what callers are told, now and on every replay. The provider's own text stays inside.
    pub fn refusal(&self, method: Method) -> Refusal {
        let (reason, message) = match (method, self.kind) {
            (Method::Authorize, DeclineKind::Declined) => {
                (Reason::PaymentDeclined, "the provider declined the payment")
            }
            (Method::Authorize, DeclineKind::AuthenticationRequired) => (
                Reason::AuthenticationRequired,
                "the bank wants the customer to authenticate first",
            ),
            (Method::Capture, _) => (
                Reason::CaptureDeclined,
                "the provider refused the capture for good",
            ),
            (Method::Void | Method::Refund | Method::Reverse, _) => {
                (Reason::ProviderRefused, "the provider refused for good")
            }
        };
        Refusal::new(reason, message).with_provider_code(self.code.clone())
    }
}
