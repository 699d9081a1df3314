//! One audit, from the first connection to the report. The order of the checks is the order in
//! which one finding answers for others: the feed before the orders, the stock before them too.

use chrono::Utc;
use tokio::time::Instant;

use crate::config::Config;
use crate::database::Databases;
use crate::finding::Finding;
use crate::predicate::{Mode, PredicateId};
use crate::report::Report;
use crate::tally::Tally;
use crate::{feed, keys, money, orders, rest, stock};

/// Checks the predicates and hands over each finding as it is made, at most
/// [`FINDINGS_SENT_MAX`](crate::FINDINGS_SENT_MAX) of each predicate. What cannot be read is
/// UNKNOWN and no error.
///
/// It holds one read-only connection per database, no lock, and memory that does not grow with the
/// tables.
///
/// # Cancellation
/// Dropping it closes its connections; it has written nothing.
pub async fn audit(config: Config, mut on_finding: impl FnMut(Finding) + Send) -> Report {
    let (start_time, began) = (Utc::now(), Instant::now());
    let wanted = wanted(&config);
    let mut databases = Databases::open(&config.urls).await;
    let mut tally = Tally::new(&wanted, &mut on_finding);
    note_unreadable(&databases, &mut tally);
    if config.at_rest {
        if let Err(cause) = rest::wait(&mut databases, config.rest_wait_max).await {
            note_unrest(&cause, &mut tally);
        }
    } else {
        tally.unknown(
            PredicateId::K1,
            "it holds at rest only, and rest was not asked for",
        );
    }
    let damage = feed::check(&mut databases.order, &mut tally).await;
    let mut differences = stock::check(&mut databases.inventory, &mut tally).await;
    orders::check(&mut databases, damage, &mut differences, &mut tally).await;
    differences.settle(&mut tally);
    money::check(&mut databases, &mut tally).await;
    keys::check(&mut databases, &mut tally).await;
    databases.close().await;
    let report = Report::new(tally.results(), start_time, began.elapsed());
    tracing::info!(
        verdict = %report.verdict,
        rows = report.rows_checked(),
        findings = report.findings(),
        duration_ms = report.duration.as_millis(),
        "audited"
    );
    report
}

/// Gives the predicates that were asked for; else all that the mode allows.
fn wanted(config: &Config) -> Vec<PredicateId> {
    let allowed = |id: &PredicateId| config.at_rest || id.mode() != Mode::Rest;
    if config.predicates.is_empty() {
        PredicateId::ALL.into_iter().filter(allowed).collect()
    } else {
        config.predicates.clone()
    }
}

/// Notes what each predicate lacks from the start.
fn note_unreadable(databases: &Databases, tally: &mut Tally<'_>) {
    for id in PredicateId::ALL {
        for source in id.reads() {
            if let Err(cause) = databases.of(*source) {
                tally.unknown(id, cause);
            }
        }
    }
}

fn note_unrest(cause: &str, tally: &mut Tally<'_>) {
    for id in PredicateId::ALL.into_iter().filter(|id| id.needs_rest()) {
        tally.unknown(id, cause);
    }
}
