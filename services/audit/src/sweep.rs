//! Predicates that one statement can tell: it gives a sentence and the rows of each breach.
//! The statement that counts and the one that finds see the same snapshot.

use futures::TryStreamExt as _;
use serde_json::Value;
use sqlx::Row as _;
use sqlx::postgres::PgRow;

use crate::database::{Database, Session, failed};
use crate::finding::{Row, Source};
use crate::predicate::PredicateId;
use crate::tally::{Fault, Tally};

/// A predicate and its statements.
pub(crate) struct Sweep {
    /// The predicate.
    pub(crate) id: PredicateId,
    /// Gives one number: the rows that are looked at.
    pub(crate) count: &'static str,
    /// Gives one row per breach: its `message`, and its rows as `evidence`.
    pub(crate) find: &'static str,
}

/// Runs the sweeps that are asked for, each in a snapshot of its own.
pub(crate) async fn sweep_all(session: &mut Session, sweeps: &[Sweep], tally: &mut Tally<'_>) {
    for sweep in sweeps
        .iter()
        .filter(|sweep| tally.wants(sweep.id))
        .collect::<Vec<_>>()
    {
        let told = match session {
            Ok(database) => {
                let source = database.source();
                run(database, sweep, |fault, _| tally.found(fault))
                    .await
                    .map_err(failed(source))
            }
            Err(cause) => Err(cause.clone()),
        };
        match told {
            Ok(rows) => tally.checked(sweep.id, rows),
            Err(cause) => tally.unknown(sweep.id, &cause),
        }
    }
}

/// Runs one sweep and hands over each breach, with the row of the statement that told it. Gives
/// the number of rows that were looked at.
pub(crate) async fn run(
    database: &mut Database,
    sweep: &Sweep,
    mut each: impl FnMut(Fault, &PgRow),
) -> Result<u64, sqlx::Error> {
    let source = database.source();
    let mut snapshot = database.snapshot().await?;
    let rows: i64 = sqlx::query_scalar(sweep.count)
        .fetch_one(&mut *snapshot)
        .await?;
    let mut breaches = sqlx::query(sweep.find).fetch(&mut *snapshot);
    while let Some(row) = breaches.try_next().await? {
        each(fault(sweep.id, source, &row)?, &row);
    }
    drop(breaches);
    snapshot.commit().await?;
    Ok(rows.unsigned_abs())
}

fn fault(predicate: PredicateId, source: Source, row: &PgRow) -> Result<Fault, sqlx::Error> {
    let evidence: Value = row.try_get("evidence")?;
    Ok(Fault {
        predicate,
        message: row.try_get("message")?,
        rows: Row::of_evidence(source, &evidence),
    })
}
