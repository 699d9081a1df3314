//! Processes and Postgres die under load, and nothing that was acknowledged is lost.

use std::{process::ExitCode, time::Duration};

use anyhow::ensure;
use holdfast_tests::{
    scenario::{crash, replicas},
    verdict::{conclude, say},
};

const KILLS: usize = 10;
const CALLERS: usize = 256;
/// Orders that ten kills hit, the stop of Postgres not among them; fewer kills in proportion.
const IN_FLIGHT_MIN: usize = 1_000;
/// The order service's default.
const LEASE: Duration = Duration::from_secs(3);
/// Orders in flight at the replica that stays dead.
const ORPHANS: usize = 500;

#[tokio::main]
async fn main() -> ExitCode {
    conclude("crash", show().await)
}

async fn show() -> anyhow::Result<String> {
    let plan = crash::Plan {
        kills: crash::kills_asked_for(KILLS)?,
        postgres_crashes: 1,
        callers: CALLERS,
        seed: crash::seed_asked_for()?,
    };
    let campaign = crash::campaign(plan).await?;
    let least = IN_FLIGHT_MIN * plan.kills / KILLS;
    let undecided = campaign.undecided_at_kills;
    ensure!(
        undecided >= least,
        "{undecided} orders were in flight at the kills, fewer than {least}: {campaign}"
    );
    say(&format!("campaign: {campaign}"));
    let replicas = replicas::one_stays_dead(ORPHANS, LEASE).await?;
    Ok(format!("{campaign}; {replicas}"))
}
