//! The books of one audit: what was looked at, what was found, what could not be read.
//! Every finding is counted; of each predicate so many are sent, and no more.

use crate::finding::{Finding, ROWS_MAX, Row};
use crate::predicate::PredicateId;
use crate::report::{PredicateResult, Verdict};

/// Findings of one predicate that are sent; the rest are only counted.
pub const FINDINGS_SENT_MAX: usize = 100;

/// A finding that is not yet counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) predicate: PredicateId,
    pub(crate) message: String,
    pub(crate) rows: Vec<Row>,
}

#[derive(Debug, Default)]
struct Account {
    wanted: bool,
    rows_checked: u64,
    findings: u64,
    unknown_cause: Option<String>,
}

/// The books; findings go to whoever asked as they are found.
pub(crate) struct Tally<'a> {
    accounts: [Account; PredicateId::ALL.len()],
    on_finding: &'a mut (dyn FnMut(Finding) + Send),
}

impl<'a> Tally<'a> {
    /// Opens an account for each predicate that is asked for.
    pub(crate) fn new(
        wanted: &[PredicateId],
        on_finding: &'a mut (dyn FnMut(Finding) + Send),
    ) -> Self {
        let account = |id| Account {
            wanted: wanted.contains(&id),
            ..Account::default()
        };
        Self {
            accounts: PredicateId::ALL.map(account),
            on_finding,
        }
    }

    fn account(&mut self, id: PredicateId) -> &mut Account {
        &mut self.accounts[id as usize]
    }

    /// Says whether a predicate was asked for and can still be told.
    pub(crate) fn wants(&self, id: PredicateId) -> bool {
        let account = &self.accounts[id as usize];
        account.wanted && account.unknown_cause.is_none()
    }

    /// Says whether a predicate was asked for: even where not all of it can be told, what is wrong
    /// is wrong.
    pub(crate) fn asked(&self, id: PredicateId) -> bool {
        self.accounts[id as usize].wanted
    }

    pub(crate) fn asked_any(&self, ids: &[PredicateId]) -> bool {
        ids.iter().any(|id| self.asked(*id))
    }

    /// Counts rows that a predicate has looked at.
    pub(crate) fn checked(&mut self, id: PredicateId, rows: u64) {
        let account = self.account(id);
        if account.wanted {
            account.rows_checked += rows;
        }
    }

    /// Counts a finding, and sends it while there are few.
    pub(crate) fn found(&mut self, fault: Fault) {
        let Fault {
            predicate,
            message,
            mut rows,
        } = fault;
        let account = self.account(predicate);
        if !account.wanted {
            return;
        }
        account.findings += 1;
        if account.findings <= FINDINGS_SENT_MAX as u64 {
            rows.truncate(ROWS_MAX);
            (self.on_finding)(Finding {
                predicate,
                message,
                rows,
            });
        }
    }

    /// Notes that a predicate cannot be told; the first cause stands.
    pub(crate) fn unknown(&mut self, id: PredicateId, cause: &str) {
        let account = self.account(id);
        if account.wanted && account.unknown_cause.is_none() {
            tracing::warn!(predicate = id.name(), cause, "a predicate cannot be told");
            account.unknown_cause = Some(cause.to_owned());
        }
    }

    /// Notes the same of several predicates.
    pub(crate) fn unknown_all(&mut self, ids: &[PredicateId], cause: &str) {
        for id in ids {
            self.unknown(*id, cause);
        }
    }

    /// Closes the books.
    pub(crate) fn results(self) -> Vec<PredicateResult> {
        let accounts = PredicateId::ALL.into_iter().zip(self.accounts);
        let result = |(predicate, account): (PredicateId, Account)| PredicateResult {
            predicate,
            verdict: match (account.findings, &account.unknown_cause) {
                (0, None) => Verdict::Pass,
                (0, Some(_)) => Verdict::Unknown,
                _ => Verdict::Fail,
            },
            rows_checked: account.rows_checked,
            findings: account.findings,
            unknown_cause: account.unknown_cause,
        };
        accounts
            .filter(|(_, account)| account.wanted)
            .map(result)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{FINDINGS_SENT_MAX, Fault, Tally};
    use crate::predicate::PredicateId;
    use crate::report::Verdict;

    #[test]
    fn all_findings_are_counted_and_few_are_sent() {
        let mut sent = 0;
        let mut on_finding = |_| sent += 1;
        let mut tally = Tally::new(&[PredicateId::I1, PredicateId::I2], &mut on_finding);
        for _ in 0..FINDINGS_SENT_MAX + 7 {
            for predicate in [PredicateId::I1, PredicateId::P1] {
                tally.found(Fault {
                    predicate,
                    message: String::new(),
                    rows: Vec::new(),
                });
            }
        }
        tally.unknown(PredicateId::I1, "half of it could not be read");
        tally.unknown(PredicateId::I2, "nobody answers");
        let results = tally.results();
        assert_eq!(sent, FINDINGS_SENT_MAX);
        assert_eq!(results.len(), 2);
        assert_eq!(results[0].findings, FINDINGS_SENT_MAX as u64 + 7);
        assert_eq!(
            [results[0].verdict, results[1].verdict],
            [Verdict::Fail, Verdict::Unknown]
        );
    }
}
