//! The cluster dies under load, again and again, and nothing that was promised is lost.

use std::{
    error::Error,
    fmt,
    str::FromStr,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use holdfast_postgres::Database;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use sqlx::Row as _;

use crate::{
    cluster::{Cluster, Layout, Member},
    eventually::eventually,
    ledger::Tally,
    load::{Load, Mix},
    verdict::say,
};

/// Every order that was there at a crash is decided so soon after the restart.
pub const DECIDED_WITHIN: Duration = Duration::from_secs(10);
/// The next crash comes so many answers after the last one was mended.
const ANSWERS_BETWEEN: std::ops::Range<u64> = 50..2_500;
/// How long the load may take for those answers.
const LOADED_WITHIN: Duration = Duration::from_secs(60);
/// SKUs with stock for everybody, and SKUs that soon run out.
const PLENTIFUL: usize = 40;
const SCARCE: usize = 8;
const PLENTY: i64 = 1_000_000;
const SCARCE_UNITS: i64 = 100;
/// Connections that the callers share.
const CONNECTIONS: usize = 4;

/// How often processes are to be killed, if the environment says so.
const KILLS_VARIABLE: &str = "HOLDFAST_CRASHES";
/// Where randomness is to start, if the environment says so: for repeating a run.
const SEED_VARIABLE: &str = "HOLDFAST_SEED";

/// How often processes are to be killed: what the environment says, else `default`.
///
/// # Errors
/// If it says no number.
pub fn kills_asked_for(default: usize) -> anyhow::Result<usize> {
    asked_for(KILLS_VARIABLE).map(|kills| kills.unwrap_or(default))
}

/// Where randomness is to start: what the environment says, else anywhere.
///
/// # Errors
/// If it says no number.
pub fn seed_asked_for() -> anyhow::Result<u64> {
    asked_for(SEED_VARIABLE).map(|seed| seed.unwrap_or_else(rand::random))
}

fn asked_for<T: FromStr<Err: Error + Send + Sync + 'static>>(
    variable: &str,
) -> anyhow::Result<Option<T>> {
    let Ok(text) = std::env::var(variable) else {
        return Ok(None);
    };
    let number = text
        .parse()
        .with_context(|| format!("{variable} is {text:?}"))?;
    Ok(Some(number))
}

/// What is to happen.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How often the process is killed.
    pub kills: usize,
    /// How often Postgres is stopped in immediate mode, after that.
    pub postgres_crashes: usize,
    /// Callers at work all the time.
    pub callers: usize,
    /// Where randomness starts.
    pub seed: u64,
}

/// What happened.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Processes killed, seen by how they ended.
    pub kills: usize,
    /// Postgres stops.
    pub postgres_crashes: usize,
    /// Calls without an answer at the crashes, together.
    pub in_flight: usize,
    /// Orders in the database and not decided at the crashes, together.
    pub undecided: usize,
    /// Those of them that were there when a process was killed.
    pub undecided_at_kills: usize,
    /// How long Postgres took to replay its log, together.
    pub replaying: Duration,
    /// From each restart until every order of before it was decided.
    pub recoveries: Vec<Duration>,
    /// What the callers were told.
    pub tally: Tally,
    /// Calls that ended without an answer and were made again.
    pub unanswered: u64,
    /// The auditor's summary.
    pub audit: String,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut times = self.recoveries.clone();
        times.sort_unstable();
        let time = |index: usize| times.get(index).copied().unwrap_or_default().as_secs_f64();
        let (median, max) = (time(times.len() / 2), time(times.len().saturating_sub(1)));
        let tally = &self.tally;
        write!(
            f,
            "{} kills, {} immediate stops of postgres (log replayed in {:.1} s), {} calls in flight and {} orders undecided \
             at them, {} of these at the kills; decided again after {median:.1} s (median) and {max:.1} s (max); {} orders \
             acknowledged, {} confirmed, {} rejected, {} calls made again, none lost; {}",
            self.kills,
            self.postgres_crashes,
            self.replaying.as_secs_f64(),
            self.in_flight,
            self.undecided,
            self.undecided_at_kills,
            tally.orders,
            tally.confirmed,
            tally.rejected,
            self.unanswered,
            self.audit,
        )
    }
}

/// Kills the process that has all roles at random moments under load, then stops Postgres in
/// immediate mode, and checks what the callers were told, and every invariant.
///
/// # Errors
/// If an acknowledged order is lost or changed, one is not decided in time, or an invariant broken.
pub async fn campaign(plan: Plan) -> anyhow::Result<Seen> {
    say(&format!("seed {}", plan.seed));
    let mut rng = StdRng::seed_from_u64(plan.seed);
    let mut cluster = Cluster::start(Layout::all()).await?;
    let mix = Mix {
        skus: skus(&cluster).await?,
        seed: plan.seed,
    };
    let services = (0..CONNECTIONS)
        .map(|_| cluster.orders())
        .collect::<anyhow::Result<Vec<_>>>()?;
    let load = Load::start(plan.callers, &services, &mix);
    let mut seen = Seen::default();
    for number in 0..plan.kills + plan.postgres_crashes {
        answered(&load, rng.random_range(ANSWERS_BETWEEN)).await?;
        if number < plan.kills {
            kill(&mut cluster, &load, &mut seen).await?;
        } else {
            crash_postgres(&mut cluster, &load, &mut seen).await?;
        }
    }
    seen.unanswered = load.unanswered();
    let ledger = load.stop().await?;
    seen.audit = cluster.audit().await?;
    seen.tally = ledger.check(&cluster.orders()?).await?;
    cluster.finish().await?;
    Ok(seen)
}

async fn skus(cluster: &Cluster) -> anyhow::Result<Vec<String>> {
    let warehouse = cluster.warehouse()?;
    let mut skus = Vec::with_capacity(PLENTIFUL + SCARCE);
    for index in 0..PLENTIFUL + SCARCE {
        let units = if index < PLENTIFUL {
            PLENTY
        } else {
            SCARCE_UNITS
        };
        skus.push(warehouse.sku(units).await?);
    }
    Ok(skus)
}

/// Waits until the callers have so many further answers.
async fn answered(load: &Load, answers: u64) -> anyhow::Result<()> {
    let enough = load.ledger().answers() + answers;
    eventually("the load goes on", LOADED_WITHIN, async || {
        Ok((load.ledger().answers() >= enough).then_some(()))
    })
    .await
}

async fn kill(cluster: &mut Cluster, load: &Load, seen: &mut Seen) -> anyhow::Result<()> {
    let in_flight = load.in_flight();
    cluster.kill(Member::All).await?;
    seen.kills += 1;
    let undecided = undecided(cluster).await?;
    seen.undecided_at_kills += undecided;
    let restarted = Instant::now();
    let before = database_time(cluster).await?;
    cluster.spawn(Member::All)?;
    recovered(cluster, seen, restarted, before).await?;
    count(seen, "kill -9", in_flight, undecided);
    Ok(())
}

async fn crash_postgres(cluster: &mut Cluster, load: &Load, seen: &mut Seen) -> anyhow::Result<()> {
    let (in_flight, undecided) = (load.in_flight(), undecided(cluster).await?);
    cluster.postgres_mut().crash().await?;
    seen.postgres_crashes += 1;
    let stopped = Instant::now();
    cluster.postgres_mut().restart().await?;
    // It is restarted when it takes connections; how long it replays its log is its own business.
    let restarted = Instant::now();
    seen.replaying += restarted - stopped;
    let before = database_time(cluster).await?;
    recovered(cluster, seen, restarted, before).await?;
    count(seen, "postgres", in_flight, undecided);
    Ok(())
}

fn count(seen: &mut Seen, what: &str, in_flight: usize, undecided: usize) {
    seen.in_flight += in_flight;
    seen.undecided += undecided;
    let took = seen
        .recoveries
        .last()
        .copied()
        .unwrap_or_default()
        .as_secs_f64();
    say(&format!(
        "{what}: {in_flight} calls in flight, {undecided} undecided, recovered in {took:.1} s"
    ));
}

/// Waits until every order of before the restart is decided.
async fn recovered(
    cluster: &Cluster,
    seen: &mut Seen,
    restarted: Instant,
    before: String,
) -> anyhow::Result<()> {
    let mut order = cluster.database(Database::Order).await?;
    eventually(
        "orders of before the crash are decided",
        DECIDED_WITHIN,
        async || {
            let row = sqlx::query(
                "-- tests: orders of before the crash
            select count(*) as undecided
            from orders o
            where o.state = 1
                and o.create_time < $1::timestamptz",
            )
            .bind(&before)
            .fetch_one(&mut order)
            .await?;
            Ok((row.get::<i64, _>("undecided") == 0).then_some(()))
        },
    )
    .await?;
    let took = restarted.elapsed();
    ensure!(took <= DECIDED_WITHIN, "decided {took:?} after the restart");
    seen.recoveries.push(took);
    Ok(())
}

async fn undecided(cluster: &Cluster) -> anyhow::Result<usize> {
    let mut order = cluster.database(Database::Order).await?;
    let row = sqlx::query(
        "-- tests: undecided orders
        select count(*) as undecided
        from orders o
        where o.state = 1",
    )
    .fetch_one(&mut order)
    .await?;
    usize::try_from(row.get::<i64, _>("undecided")).context("a count is not negative")
}

/// The database's clock, as text.
async fn database_time(cluster: &Cluster) -> anyhow::Result<String> {
    let mut order = cluster.database(Database::Order).await?;
    Ok(sqlx::query_scalar("select clock_timestamp()::text")
        .fetch_one(&mut order)
        .await?)
}
