//! BatchRelease.

use holdfast_kit::refusal::CallError;
use holdfast_proto::inventory::allocation_result::Outcome;
use holdfast_proto::inventory::{BatchReleaseRequest, BatchReleaseResponse};

use super::Api;
use crate::convert::allocation::{check_batch, refused, release, release_result, result};
use crate::convert::refusal::unwritten;

impl Api {
    pub(super) async fn release(
        &self,
        request: BatchReleaseRequest,
    ) -> Result<BatchReleaseResponse, CallError> {
        check_batch(request.items.len(), std::iter::empty())?;
        let checked: Vec<_> = request
            .items
            .iter()
            .enumerate()
            .map(|(number, item)| release(number, item))
            .collect();
        let items = checked.iter().flatten().copied().collect();
        let mut replies = self.releases.submit_all(items).await.into_iter();
        let results = checked.into_iter().map(|checked| match checked {
            Err(refusal) => refused(&refusal),
            Ok(_) => match replies.next().expect("a writer gives one reply per item") {
                Ok(answer) => {
                    self.outcomes.release(&answer);
                    release_result(answer)
                }
                Err(error) => result(Outcome::Unknown(unwritten(error).into())),
            },
        });
        Ok(BatchReleaseResponse {
            results: results.collect(),
        })
    }
}
