//! A run: warm-up, a reading, the measured time, another reading.
//!
//! The rule: everything that is told of the measured time is the difference of two readings taken
//! at its ends.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use tokio::{task::JoinSet, time::timeout};

use super::{
    counters::{Counters, Watch},
    database::{Database, Moment, Settings},
    latency::Recorder,
    load::{Load, PATIENCE},
    processes::{self, Processes},
};

/// What is under load.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) order: String,
    pub(super) inventory: String,
    pub(super) audit: String,
    /// Side ports of its processes.
    pub(super) side: Vec<String>,
    /// Its Postgres.
    pub(super) database_url: Option<String>,
    /// Its postmaster, if that runs on this machine and is known.
    pub(super) postmaster: Option<i32>,
    /// Whether it was started for this run.
    pub(super) owned: bool,
}

/// The side port of `holdfast dev` that belongs to an order service's address.
///
/// # Errors
/// If the address has no port.
pub(super) fn side_of_dev(order: &str) -> anyhow::Result<String> {
    let bare = order.strip_prefix("http://").unwrap_or(order);
    let (host, port) = bare.rsplit_once(':').context("the address has no port")?;
    let port: u16 = port.parse().context("the address has no port")?;
    let side = port
        .checked_add(holdfast::cluster::SIDE_OFFSET)
        .context("give the side port with --side")?;
    Ok(format!("{host}:{side}"))
}

/// What was measured.
#[derive(Clone, Debug)]
pub(super) struct Figures {
    pub(super) records: Recorder,
    pub(super) elapsed: Duration,
    /// What the services counted, or why it is not known.
    pub(super) counters: Result<Counters, String>,
    /// CPU seconds of Postgres, of this process, and of everything on the machine.
    pub(super) postgres_seconds: Option<f64>,
    pub(super) client_seconds: Option<f64>,
    pub(super) machine_seconds: Option<f64>,
    pub(super) database: Option<DatabaseFigures>,
}

/// What Postgres says of the measured time.
#[derive(Clone, Debug)]
pub(super) struct DatabaseFigures {
    pub(super) settings: Settings,
    pub(super) commits: i64,
    pub(super) wal_bytes: i64,
    /// WAL that could be written into filled segments when the measured time began.
    pub(super) warm_bytes: Option<i64>,
}

/// Where everything stands at one end of the measured time.
struct Reading {
    counters: anyhow::Result<Counters>,
    processes: Processes,
    machine_seconds: Option<f64>,
    moment: Option<Moment>,
}

impl Reading {
    async fn take(target: &Target, database: Option<&mut Database>) -> Self {
        let moment = async {
            match database {
                Some(database) => database.moment().await.ok(),
                None => None,
            }
        };
        let (counters, moment) = tokio::join!(Counters::read(&target.side), moment);
        Self {
            counters,
            processes: Processes::read(),
            machine_seconds: processes::machine_seconds(),
            moment,
        }
    }
}

/// Puts the load on the target.
///
/// # Errors
/// If the load cannot be kept up; what is only to be read and cannot be is missing from the
/// figures.
pub(super) async fn run(
    load: &Arc<Load>,
    target: &Target,
    warmup: Duration,
    measured: Duration,
) -> anyhow::Result<Figures> {
    let mut database = match &target.database_url {
        Some(url) => Some(
            Database::connect(url)
                .await
                .context("cannot read the database")?,
        ),
        None => None,
    };
    let mut threads = load.start();
    wait(&mut threads, warmup).await?;
    let watch = Watch::open(&target.side).await;
    let before = Reading::take(target, database.as_mut()).await;
    load.measure();
    let begun = Instant::now();
    wait(&mut threads, measured).await?;
    load.drain();
    let elapsed = begun.elapsed();
    let after = Reading::take(target, database.as_mut()).await;
    let records = timeout(2 * PATIENCE, join(threads))
        .await
        .context("orders in flight are not answered")??;
    let postmaster = postmaster(target, database.as_mut(), &after.processes).await;
    let database_figures = match database {
        Some(mut database) => DatabaseFigures::of(&mut database, &before, &after).await?,
        None => None,
    };
    Ok(Figures {
        records,
        elapsed,
        postgres_seconds: postmaster.and_then(|pid| {
            Some(after.processes.tree_seconds(pid)? - before.processes.tree_seconds(pid)?)
        }),
        client_seconds: difference(
            after.processes.own_seconds(),
            before.processes.own_seconds(),
        ),
        machine_seconds: difference(after.machine_seconds, before.machine_seconds),
        counters: counted(watch, before.counters, after.counters)
            .map_err(|error| format!("{error:#}")),
        database: database_figures,
    })
}

/// What was counted between two readings of the same processes.
fn counted(
    watch: io::Result<Watch>,
    before: anyhow::Result<Counters>,
    after: anyhow::Result<Counters>,
) -> anyhow::Result<Counters> {
    let (before, after) = (before?, after?);
    anyhow::ensure!(watch?.all_live(), "a process ended in the measured time");
    Ok(after.since(&before))
}

fn difference(after: Option<f64>, before: Option<f64>) -> Option<f64> {
    Some(after? - before?)
}

/// Lets time pass under load; the load may not end in it.
async fn wait(
    threads: &mut JoinSet<anyhow::Result<Recorder>>,
    time: Duration,
) -> anyhow::Result<()> {
    tokio::select! {
        () = tokio::time::sleep(time) => Ok(()),
        Some(ended) = threads.join_next() => {
            ended??;
            anyhow::bail!("the load ended by itself")
        }
    }
}

async fn join(mut threads: JoinSet<anyhow::Result<Recorder>>) -> anyhow::Result<Recorder> {
    let mut records = Recorder::new();
    while let Some(ended) = threads.join_next().await {
        records.merge(&ended??);
    }
    Ok(records)
}

/// The postmaster of the target, if it runs on this machine.
async fn postmaster(
    target: &Target,
    database: Option<&mut Database>,
    processes: &Processes,
) -> Option<i32> {
    if target.postmaster.is_some() {
        return target.postmaster;
    }
    match database {
        Some(database) => {
            let backend = database.backend().await.ok()?;
            Processes::read().postmaster_of_backend(backend)
        }
        None => processes.postmaster_of_holdfast(),
    }
}

impl DatabaseFigures {
    async fn of(
        database: &mut Database,
        before: &Reading,
        after: &Reading,
    ) -> sqlx::Result<Option<Self>> {
        let (Some(before), Some(after)) = (before.moment, after.moment) else {
            return Ok(None);
        };
        Ok(Some(Self {
            settings: database.settings().await?,
            commits: after.commits - before.commits,
            wal_bytes: after.wal_bytes - before.wal_bytes,
            warm_bytes: before.warm_bytes,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::side_of_dev;

    #[test]
    fn side_ports_of_dev_are_a_hundred_further_on() {
        assert_eq!(side_of_dev("127.0.0.1:50051").unwrap(), "127.0.0.1:50151");
        assert_eq!(
            side_of_dev("http://localhost:7000").unwrap(),
            "localhost:7100"
        );
        assert!(side_of_dev("localhost").is_err());
        assert!(side_of_dev("localhost:65500").is_err());
    }
}
