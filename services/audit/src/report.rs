//! What an audit amounts to. FAIL outweighs UNKNOWN, and UNKNOWN outweighs PASS: whoever could not
//! read everything never says PASS.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::predicate::PredicateId;

/// Whether what must be true is; the later one outweighs the earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verdict {
    /// Everything was read and nothing is wrong.
    Pass,
    /// Not everything could be read, and nothing wrong was found.
    Unknown,
    /// Something is wrong.
    Fail,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Pass => "PASS",
            Self::Unknown => "UNKNOWN",
            Self::Fail => "FAIL",
        })
    }
}

/// What came of one predicate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PredicateResult {
    /// The predicate.
    pub predicate: PredicateId,
    /// Whether it holds.
    pub verdict: Verdict,
    /// Rows that were looked at.
    pub rows_checked: u64,
    /// Findings; all are counted, even if not all were sent.
    pub findings: u64,
    /// Why it could not be told, in one sentence. It is there beside findings too.
    pub unknown_cause: Option<String>,
}

/// What an audit amounts to. Its `Display` is a table and one last line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The worst of the predicates'.
    pub verdict: Verdict,
    /// One per predicate, in the order of their ids.
    pub predicates: Vec<PredicateResult>,
    /// When the first row was read, by the auditor's clock.
    pub start_time: DateTime<Utc>,
    /// How long it took.
    pub duration: Duration,
}

impl Report {
    pub(crate) fn new(
        predicates: Vec<PredicateResult>,
        start_time: DateTime<Utc>,
        duration: Duration,
    ) -> Self {
        let worst = predicates.iter().map(|it| it.verdict).max();
        Self {
            // Who has checked nothing knows nothing.
            verdict: worst.unwrap_or(Verdict::Unknown),
            predicates,
            start_time,
            duration,
        }
    }

    /// Gives what came of one predicate; none if it was not asked for.
    pub fn of(&self, predicate: PredicateId) -> Option<&PredicateResult> {
        self.predicates.iter().find(|it| it.predicate == predicate)
    }

    /// Gives the rows that were looked at, over all predicates.
    pub fn rows_checked(&self) -> u64 {
        self.predicates.iter().map(|it| it.rows_checked).sum()
    }

    /// Gives the number of findings, sent or not.
    pub fn findings(&self) -> u64 {
        self.predicates.iter().map(|it| it.findings).sum()
    }

    /// Gives the last line of the table, which says all of it in short.
    pub fn summary(&self) -> String {
        format!(
            "audit: {}, {} predicates, {} rows, {} findings",
            self.verdict,
            self.predicates.len(),
            self.rows_checked(),
            self.findings()
        )
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "predicate  verdict          rows    findings  cause")?;
        for it in &self.predicates {
            let cause = it.unknown_cause.as_deref().unwrap_or_default();
            let line = format!(
                "{:<9}  {:<7}  {:>12}  {:>10}  {cause}",
                it.predicate, it.verdict, it.rows_checked, it.findings
            );
            writeln!(f, "{}", line.trim_end())?;
        }
        f.write_str(&self.summary())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::DateTime;

    use super::{PredicateResult, Report, Verdict};
    use crate::predicate::PredicateId;

    fn result(predicate: PredicateId, verdict: Verdict) -> PredicateResult {
        PredicateResult {
            predicate,
            verdict,
            rows_checked: 1_000,
            findings: u64::from(verdict == Verdict::Fail),
            unknown_cause: (verdict == Verdict::Unknown).then(|| "nobody answers".to_owned()),
        }
    }

    fn report(verdicts: &[(PredicateId, Verdict)]) -> Report {
        let results = verdicts
            .iter()
            .map(|(id, verdict)| result(*id, *verdict))
            .collect();
        Report::new(results, DateTime::UNIX_EPOCH, Duration::from_millis(1_500))
    }

    #[test]
    fn fail_outweighs_unknown_and_unknown_outweighs_pass() {
        let (i1, p1, k1) = (PredicateId::I1, PredicateId::P1, PredicateId::K1);
        let (pass, unknown, fail) = (Verdict::Pass, Verdict::Unknown, Verdict::Fail);
        assert_eq!(report(&[(i1, pass), (p1, pass)]).verdict, pass);
        assert_eq!(report(&[(i1, unknown), (p1, pass)]).verdict, unknown);
        assert_eq!(
            report(&[(i1, unknown), (p1, fail), (k1, pass)]).verdict,
            fail
        );
        assert_eq!(report(&[]).verdict, unknown);
    }

    #[test]
    fn table_ends_in_one_line_that_says_all() {
        let report = report(&[
            (PredicateId::I1, Verdict::Pass),
            (PredicateId::P3, Verdict::Unknown),
        ]);
        let text = report.to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[1], "I1         PASS             1000           0");
        assert_eq!(
            lines[2],
            "P3         UNKNOWN          1000           0  nobody answers"
        );
        assert_eq!(
            lines[3],
            "audit: UNKNOWN, 2 predicates, 2000 rows, 0 findings"
        );
    }

    #[test]
    fn json_form_reads_back() {
        let report = report(&[(PredicateId::I1, Verdict::Fail)]);
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["verdict"], "FAIL");
        assert_eq!(json["predicates"][0]["predicate"], "I1");
        assert_eq!(serde_json::from_value::<Report>(json).unwrap(), report);
    }
}
