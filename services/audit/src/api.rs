//! AuditService: the one door through which the wire reaches the auditor, and the only module that
//! speaks it. One audit at a time: the next one is told to come back.

mod convert;

use std::sync::Arc;
use std::time::Duration;

use holdfast_kit::deadline;
use holdfast_kit::refusal::{FieldViolation, Reason, Refusal};
use holdfast_proto::audit::audit_response::Content;
use holdfast_proto::audit::audit_service_server::AuditService;
use holdfast_proto::audit::{AuditRequest, AuditResponse};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use crate::audit::audit;
use crate::config::{Config, REST_WAIT_DEFAULT, Urls};
use crate::predicate::PredicateId;
use crate::tally::FINDINGS_SENT_MAX;

/// When to come back while another audit runs.
const RETRY_DELAY: Duration = Duration::from_secs(5);

/// Every message that one audit sends at most: its findings, and the report.
const MESSAGES_MAX: usize = PredicateId::ALL.len() * FINDINGS_SENT_MAX + 1;

/// The handler.
pub(crate) struct Auditor {
    urls: Urls,
    free: Arc<Semaphore>,
}

impl Auditor {
    pub(crate) fn new(urls: Urls) -> Self {
        Self {
            urls,
            free: Arc::new(Semaphore::new(1)),
        }
    }

    fn config(&self, request: &Request<AuditRequest>) -> Result<Config, Refusal> {
        let left = deadline::of(request).map(|at| at.saturating_duration_since(Instant::now()));
        let asked = request.get_ref();
        Ok(Config {
            urls: self.urls.clone(),
            predicates: predicates(&asked.predicate_ids)?,
            at_rest: asked.at_rest,
            // The other half is for the audit itself.
            rest_wait_max: left.map_or(REST_WAIT_DEFAULT, |left| REST_WAIT_DEFAULT.min(left / 2)),
        })
    }
}

fn predicates(ids: &[String]) -> Result<Vec<PredicateId>, Refusal> {
    let mut predicates = Vec::new();
    let mut violations = Vec::new();
    for (index, id) in ids.iter().enumerate() {
        match id.parse() {
            Ok(id) => predicates.push(id),
            Err(_) if violations.len() < PredicateId::ALL.len() => {
                violations.push(FieldViolation {
                    field: format!("predicate_ids[{index}]"),
                    description: "must be a predicate's id, such as \"I1\"".to_owned(),
                });
            }
            Err(_) => {}
        }
    }
    if violations.is_empty() {
        return Ok(predicates);
    }
    let refusal = Refusal::new(Reason::InvalidField, "there is no such predicate");
    Err(refusal.with_field_violations(violations))
}

#[tonic::async_trait]
impl AuditService for Auditor {
    type AuditStream = ReceiverStream<Result<AuditResponse, Status>>;

    async fn audit(
        &self,
        request: Request<AuditRequest>,
    ) -> Result<Response<Self::AuditStream>, Status> {
        let config = self.config(&request)?;
        let permit = Arc::clone(&self.free)
            .try_acquire_owned()
            .map_err(|_| Refusal::overloaded(RETRY_DELAY))?;
        let (sender, receiver) = mpsc::channel(MESSAGES_MAX);
        tokio::spawn(async move {
            let send = |content| {
                // Room for every message is there; whoever has left needs none.
                sender
                    .try_send(Ok(AuditResponse {
                        content: Some(content),
                    }))
                    .ok();
            };
            tokio::select! {
                report = audit(config, |it| send(Content::Finding(convert::finding(it)))) => {
                    send(Content::Report(convert::report(&report)));
                }
                () = sender.closed() => tracing::debug!("an audit's caller has left"),
            }
            drop(permit);
        });
        Ok(Response::new(ReceiverStream::new(receiver)))
    }
}

#[cfg(test)]
mod tests {
    use super::predicates;
    use crate::predicate::PredicateId;

    #[test]
    fn unknown_predicates_are_named_by_their_paths() {
        let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            predicates(&ids(&["I1", "K1"])),
            Ok(vec![PredicateId::I1, PredicateId::K1])
        );
        let refusal = predicates(&ids(&["I1", "I6", "", "P1"])).unwrap_err();
        let fields: Vec<_> = refusal
            .field_violations
            .iter()
            .map(|it| it.field.as_str())
            .collect();
        assert_eq!(fields, ["predicate_ids[1]", "predicate_ids[2]"]);
    }
}
