//! The short forms of the crash campaign.

use std::time::Duration;

use holdfast_tests::scenario::{crash, replicas};

use crate::TURN;

/// How often processes are killed; the acceptance run says more.
const KILLS: usize = 2;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_when_processes_and_postgres_crash() -> anyhow::Result<()> {
    let _turn = TURN.lock().await;
    let plan = crash::Plan {
        kills: crash::kills_asked_for(KILLS)?,
        postgres_crashes: 1,
        callers: 128,
        seed: crash::seed_asked_for()?,
    };
    let seen = crash::campaign(plan).await?;
    assert_eq!((seen.kills, seen.postgres_crashes), (plan.kills, 1));
    assert!(seen.undecided > 0, "no crash hit an order: {seen}");
    assert!(
        seen.tally.confirmed > 0 && seen.tally.rejected > 0,
        "{seen}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_stays_dead_leaves_its_orders_to_the_other() -> anyhow::Result<()> {
    let _turn = TURN.lock().await;
    let seen = replicas::one_stays_dead(200, Duration::from_millis(1_500)).await?;
    assert_eq!(seen.tally.confirmed, 200);
    Ok(())
}
