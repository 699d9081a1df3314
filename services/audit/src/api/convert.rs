//! The auditor's words in those of the wire. The verdicts' order differs; their meaning does not.

use holdfast_kit::time;
use holdfast_proto::audit;

use crate::finding::{Finding, Row};
use crate::report::{PredicateResult, Report, Verdict};

pub(super) fn finding(finding: Finding) -> audit::Finding {
    audit::Finding {
        predicate_id: finding.predicate.name().to_owned(),
        message: finding.message,
        rows: finding.rows.into_iter().map(row).collect(),
    }
}

fn row(row: Row) -> audit::FindingRow {
    audit::FindingRow {
        source: row.source.name().to_owned(),
        table: row.table,
        columns: row.columns.into_iter().collect(),
    }
}

pub(super) fn report(report: &Report) -> audit::AuditReport {
    audit::AuditReport {
        verdict: verdict(report.verdict).into(),
        predicates: report.predicates.iter().map(result).collect(),
        start_time: Some(time::to_wire(report.start_time)),
        duration: Some(time::duration_to_wire(report.duration)),
    }
}

fn result(result: &PredicateResult) -> audit::PredicateResult {
    audit::PredicateResult {
        predicate_id: result.predicate.name().to_owned(),
        verdict: verdict(result.verdict).into(),
        rows_checked: i64::try_from(result.rows_checked).unwrap_or(i64::MAX),
        findings: i64::try_from(result.findings).unwrap_or(i64::MAX),
        unknown_cause: result.unknown_cause.clone().unwrap_or_default(),
    }
}

fn verdict(verdict: Verdict) -> audit::Verdict {
    match verdict {
        Verdict::Pass => audit::Verdict::Pass,
        Verdict::Fail => audit::Verdict::Fail,
        Verdict::Unknown => audit::Verdict::Unknown,
    }
}
