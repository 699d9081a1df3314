//! The batch forms. A batch answers within its limit whatever its slowest item does: an item still
//! running is unknown, with a time to ask again, and runs on.

use std::{sync::Arc, time::Duration};

use holdfast_kit::refusal::{CallError, Reason, Refusal};
use holdfast_proto::payment::{
    BatchAuthorizeRequest, BatchAuthorizeResponse, BatchReverseRequest, BatchReverseResponse,
    PaymentResult,
};
use tokio::time::Instant;

use super::Payments;
use crate::{
    convert,
    domain::{Method, OperationId, Outcome},
    drive::{Gathering, Told},
    store::Begin,
};

/// Items of one batch at most.
pub const ITEMS_MAX: usize = 512;

/// How long a batch waits for its items.
const ANSWER_AFTER: Duration = Duration::from_millis(25);

fn check_length(rpc: &'static str, items: usize) -> Result<(), Refusal> {
    if !(1..=ITEMS_MAX).contains(&items) {
        return Err(Refusal::invalid_field(
            "items",
            format!("1 to {ITEMS_MAX} items"),
        ));
    }
    #[expect(clippy::cast_precision_loss, reason = "a histogram takes floats")]
    metrics::histogram!("holdfast_payment_batch_items", "rpc" => rpc).record(items as f64);
    Ok(())
}

/// What an item waits for; none where it was answered at once.
type Awaited = Option<OperationId>;

impl Payments {
    pub(super) async fn authorize_batch(
        &self,
        request: BatchAuthorizeRequest,
    ) -> Result<BatchAuthorizeResponse, CallError> {
        let until = Instant::now() + ANSWER_AFTER;
        check_length("BatchAuthorize", request.items.len())?;
        let gathering = Gathering::new(request.items.len());
        let mut awaited = Vec::with_capacity(request.items.len());
        let mut asked = Vec::with_capacity(request.items.len());
        for (index, item) in request.items.into_iter().enumerate() {
            match convert::authorize_item(format_args!("items[{index}]."), item) {
                Ok(ask) => {
                    awaited.push(Some(OperationId {
                        payment: ask.payment_id,
                        method: Method::Authorize,
                        request_id: ask.request_id.clone(),
                    }));
                    asked.push((index, Arc::new(ask)));
                }
                Err(refusal) => {
                    awaited.push(None);
                    gathering.tell(index, refused(refusal));
                }
            }
        }
        if !asked.is_empty() {
            self.driver.authorize(asked, &gathering, until);
        }
        Ok(BatchAuthorizeResponse {
            results: self.results(&gathering, awaited, until).await,
        })
    }

    pub(super) async fn reverse_batch(
        &self,
        request: BatchReverseRequest,
    ) -> Result<BatchReverseResponse, CallError> {
        let until = Instant::now() + ANSWER_AFTER;
        check_length("BatchReverse", request.items.len())?;
        let gathering = Gathering::new(request.items.len());
        let mut awaited = Vec::with_capacity(request.items.len());
        let mut asked = Vec::with_capacity(request.items.len());
        for (index, item) in request.items.iter().enumerate() {
            match convert::payment_id_bytes(format_args!("items[{index}]."), &item.payment_id) {
                Ok(payment) => {
                    let begin = Begin::Reverse(payment);
                    awaited.push(Some(begin.id()));
                    asked.push((index, begin));
                }
                Err(refusal) => {
                    awaited.push(None);
                    gathering.tell(index, refused(refusal));
                }
            }
        }
        if !asked.is_empty() {
            self.driver.begin(asked, &gathering, until);
        }
        Ok(BatchReverseResponse {
            results: self.results(&gathering, awaited, until).await,
        })
    }

    async fn results(
        &self,
        gathering: &Gathering,
        awaited: Vec<Awaited>,
        until: Instant,
    ) -> Vec<PaymentResult> {
        let told = gathering.until(until).await;
        let tell = |(index, (told, id)): (usize, (Option<Told>, Awaited))| {
            let running = || {
                let unknown = self.driver.unknown(id.as_ref());
                Told {
                    replayed: false,
                    answer: Err(unknown.into()),
                }
            };
            convert::result(in_batch(index, told.unwrap_or_else(running)))
        };
        told.into_iter()
            .zip(awaited)
            .enumerate()
            .map(tell)
            .collect()
    }
}

/// Fields that differ from a key's first body get their path from the batch's root.
fn in_batch(index: usize, mut told: Told) -> Told {
    if let Ok(Outcome::Refused(refusal)) = &mut told.answer
        && refusal.reason == Reason::IdempotencyKeyReused
    {
        for violation in &mut refusal.field_violations {
            violation.field = format!("items[{index}].{}", violation.field);
        }
    }
    told
}

fn refused(refusal: Refusal) -> Told {
    Told {
        replayed: false,
        answer: Ok(Outcome::Refused(refusal)),
    }
}
