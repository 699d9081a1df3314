//! E1: the positions of each partition of the feed go from 1 to its counter without a hole, and
//! each has one event. Nothing is compacted yet, so every partition begins at 1.
//!
//! An event that has moved leaves the hole that it came from: the event is the finding, and as many
//! holes go with it.

use futures::TryStreamExt as _;
use serde_json::Value;
use sqlx::{PgConnection, Row as _};

use crate::blame::FeedDamage;
use crate::database::{Session, failed};
use crate::finding::{Row, Source};
use crate::predicate::PredicateId;
use crate::tally::{Fault, Tally};

/// Checks the feed; gives what is wrong with it in all.
pub(crate) async fn check(order: &mut Session, tally: &mut Tally<'_>) -> FeedDamage {
    if !tally.wants(PredicateId::E1) {
        return FeedDamage::default();
    }
    let told = match order {
        Err(cause) => Err(cause.clone()),
        Ok(database) => match database.snapshot().await {
            Ok(mut snapshot) => examine(&mut snapshot, tally).await,
            Err(error) => Err(error),
        }
        .map_err(failed(Source::Order)),
    };
    told.unwrap_or_else(|cause| {
        tally.unknown(PredicateId::E1, &cause);
        FeedDamage::default()
    })
}

async fn examine(
    snapshot: &mut PgConnection,
    tally: &mut Tally<'_>,
) -> Result<FeedDamage, sqlx::Error> {
    let sums = sqlx::query(include_str!("feed/sums.sql"))
        .fetch_one(&mut *snapshot)
        .await?;
    let sum = |name| sums.try_get::<i64, _>(name).map(i64::unsigned_abs);
    let (events, placed) = (sum("events")?, sum("placed")?);
    let (repeated, given) = (sum("repeated")?, sum("given")?);
    tally.checked(PredicateId::E1, events);
    let outside = events.saturating_sub(placed);
    let holes = given.saturating_sub(placed.saturating_sub(repeated));
    if (holes, repeated, outside) != (0, 0, 0) {
        name(snapshot, repeated + outside, tally).await?;
    }
    Ok(FeedDamage {
        // What stands outside is seen nowhere else, and left a hole that is not another event's.
        missing: holes.saturating_sub(repeated + outside) + outside,
        misplaced: repeated,
    })
}

/// Names what the sums have shown: first the events that stand where they should not, so many as
/// have `moved`, then the holes that they do not account for.
async fn name(
    snapshot: &mut PgConnection,
    mut moved: u64,
    tally: &mut Tally<'_>,
) -> Result<(), sqlx::Error> {
    let mut breaches = sqlx::query(include_str!("feed/breaches.sql")).fetch(snapshot);
    while let Some(row) = breaches.try_next().await? {
        let missing = row.try_get::<i64, _>("missing")?.unsigned_abs();
        if missing > 0 && missing <= moved {
            moved -= missing;
            continue;
        }
        let evidence: Value = row.try_get("evidence")?;
        tally.found(Fault {
            predicate: PredicateId::E1,
            message: row.try_get("message")?,
            rows: Row::of_evidence(Source::Order, &evidence),
        });
    }
    Ok(())
}
