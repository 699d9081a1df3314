//! BatchAllocate.

use holdfast_kit::refusal::CallError;
use holdfast_proto::inventory::allocation_result::Outcome;
use holdfast_proto::inventory::{BatchAllocateRequest, BatchAllocateResponse};

use super::Api;
use crate::convert::allocation::{allocation, allocation_result, check_batch, refused, result};
use crate::convert::refusal::unwritten;

impl Api {
    pub(super) async fn allocate(
        &self,
        request: BatchAllocateRequest,
    ) -> Result<BatchAllocateResponse, CallError> {
        let lines = request.items.iter().map(|item| item.lines.len());
        check_batch(request.items.len(), lines)?;
        let mut results = Vec::with_capacity(request.items.len());
        let mut items = Vec::with_capacity(request.items.len());
        let mut numbers = Vec::with_capacity(request.items.len());
        for (number, item) in request.items.into_iter().enumerate() {
            // Whoever is not refused here has its place filled below.
            results.push(match allocation(number, item) {
                Err(refusal) => refused(&refusal),
                Ok(item) => {
                    items.push(item);
                    numbers.push(number);
                    result(Outcome::Unknown(Default::default()))
                }
            });
        }
        let replies = self.allocations.submit_all(items).await;
        for (number, reply) in numbers.into_iter().zip(replies) {
            results[number] = match reply {
                Ok(answer) => {
                    self.outcomes.allocation(&answer);
                    allocation_result(number, answer)
                }
                Err(error) => result(Outcome::Unknown(unwritten(error).into())),
            };
        }
        Ok(BatchAllocateResponse { results })
    }
}
