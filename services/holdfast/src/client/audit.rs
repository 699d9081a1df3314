//! Has the auditor check what must always be true, and tells what it found.
//!
//! The rule: only PASS is a pass. What could not be read, or could not be asked, is no success.

use std::{fmt, time::Duration};

use holdfast_kit::{grpc, refusal::CallError};
use holdfast_proto::audit::{
    AuditReport, AuditRequest, Finding, PredicateResult, Verdict, audit_response::Content,
    audit_service_client::AuditServiceClient,
};
use tonic::{Request, Status};

use super::{again_after, describe, retry::Backoff, seed_of};

/// How long one audit may take; the auditor waits for rest within it.
const AUDIT_WITHIN: Duration = Duration::from_secs(300);
/// How often a busy or silent auditor is asked.
const TRIES_MAX: usize = 20;
/// How many findings are kept; all are counted.
const FINDINGS_MAX: usize = 20;
/// Bytes of one finding at the most.
const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// What an audit amounts to.
#[derive(Clone, Debug)]
pub struct Audit {
    report: AuditReport,
    findings: Vec<Finding>,
}

/// Audits the Holdfast whose auditor answers at `address`, once it is at rest.
///
/// # Errors
/// If the auditor cannot be asked; then nothing is known.
///
/// # Cancellation
/// Safe: an audit only reads.
pub async fn audit(address: &str) -> anyhow::Result<Audit> {
    let channel = grpc::channel(address)?;
    let client = AuditServiceClient::new(channel).max_decoding_message_size(MESSAGE_BYTES_MAX);
    let mut backoff = Backoff::new(seed_of(address));
    let mut last = String::new();
    for _ in 0..TRIES_MAX {
        let error = match ask(client.clone()).await {
            Ok(audit) => return Ok(audit),
            Err(status) => CallError::from(&status),
        };
        last = describe(&error);
        match again_after(&error, &mut backoff) {
            Some(pause) => tokio::time::sleep(pause).await,
            None => break,
        }
    }
    anyhow::bail!("no verdict from the auditor at {address}: {last}")
}

async fn ask(mut client: AuditServiceClient<tonic::transport::Channel>) -> Result<Audit, Status> {
    let mut request = Request::new(AuditRequest {
        predicate_ids: Vec::new(),
        at_rest: true,
    });
    request.set_timeout(AUDIT_WITHIN);
    let mut answers = client.audit(request).await?.into_inner();
    let mut findings = Vec::new();
    while let Some(answer) = answers.message().await? {
        match answer.content {
            Some(Content::Finding(finding)) if findings.len() < FINDINGS_MAX => {
                findings.push(finding);
            }
            Some(Content::Report(report)) => return Ok(Audit { report, findings }),
            Some(Content::Finding(_)) | None => {}
        }
    }
    Err(Status::unavailable("the audit ended without a verdict"))
}

impl Audit {
    /// Tells whether everything was read and nothing is wrong.
    pub fn passed(&self) -> bool {
        self.report.verdict() == Verdict::Pass
    }

    /// The verdict's name: PASS, FAIL or UNKNOWN.
    pub fn verdict(&self) -> &'static str {
        name_of(self.report.verdict())
    }

    fn rows_checked(&self) -> i64 {
        self.report
            .predicates
            .iter()
            .map(|predicate| predicate.rows_checked)
            .sum()
    }
}

fn name_of(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "PASS",
        Verdict::Fail => "FAIL",
        Verdict::Unknown | Verdict::Unspecified => "UNKNOWN",
    }
}

impl fmt::Display for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            writeln!(f, "  {}  {}", finding.predicate_id, finding.message)?;
        }
        let failed = |predicate: &&PredicateResult| predicate.verdict() != Verdict::Pass;
        for predicate in self.report.predicates.iter().filter(failed) {
            write!(
                f,
                "  {}  {}",
                predicate.predicate_id,
                name_of(predicate.verdict())
            )?;
            match predicate.verdict() {
                Verdict::Fail => writeln!(f, ", {} findings", predicate.findings)?,
                _ => writeln!(f, ", {}", predicate.unknown_cause)?,
            }
        }
        let predicates = self.report.predicates.len();
        let rows = self.rows_checked();
        write!(
            f,
            "audit {}: {predicates} predicates, {rows} rows",
            self.verdict()
        )
    }
}

#[cfg(test)]
mod tests {
    use holdfast_proto::audit::{AuditReport, Finding, PredicateResult, Verdict};

    use super::Audit;

    fn audit(verdicts: &[(&str, Verdict)], whole: Verdict) -> Audit {
        let predicate = |(id, verdict): &(&str, Verdict)| PredicateResult {
            predicate_id: (*id).to_owned(),
            verdict: (*verdict).into(),
            rows_checked: 10,
            findings: 1,
            unknown_cause: "order database away".to_owned(),
        };
        let report = AuditReport {
            verdict: whole.into(),
            predicates: verdicts.iter().map(predicate).collect(),
            ..AuditReport::default()
        };
        Audit {
            report,
            findings: Vec::new(),
        }
    }

    #[test]
    fn only_pass_is_a_pass_and_every_other_predicate_is_told() {
        let good = audit(&[("I1", Verdict::Pass)], Verdict::Pass);
        assert!(good.passed());
        assert_eq!(good.to_string(), "audit PASS: 1 predicates, 10 rows");
        let verdicts = [
            ("I1", Verdict::Pass),
            ("I2", Verdict::Fail),
            ("O1", Verdict::Unknown),
        ];
        let mut bad = audit(&verdicts, Verdict::Fail);
        let finding = Finding {
            predicate_id: "I2".to_owned(),
            message: "reserved is 3, reservations hold 2".to_owned(),
            ..Finding::default()
        };
        bad.findings.push(finding);
        assert!(!bad.passed());
        assert_eq!(
            bad.to_string(),
            "  I2  reserved is 3, reservations hold 2\n  I2  FAIL, 1 findings\n  \
             O1  UNKNOWN, order database away\naudit FAIL: 3 predicates, 30 rows"
        );
        assert!(!audit(&[("O1", Verdict::Unknown)], Verdict::Unknown).passed());
        assert!(!audit(&[], Verdict::Unspecified).passed());
    }
}
