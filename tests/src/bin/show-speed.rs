//! How fast it is, and what it takes for it.
//!
//! The rule: the benchmark reports, and this run alone says whether it is enough. Everything runs on
//! this machine: the services, Postgres and the client.

use std::{path::Path, process::ExitCode, process::Stdio, time::Duration};

use anyhow::{Context as _, ensure};
use holdfast_tests::{
    cluster::{Cluster, Layout, Member},
    eventually::eventually,
    verdict::{conclude, say},
};
use serde_json::Value;
use sqlx::PgConnection;

const ORDERS_PER_SECOND_MIN: f64 = 10_000.0;
const HOT_SHARE_MIN: f64 = 0.9;
const MEMORY_MIB_MAX: u64 = 300;
const CONNECTIONS_MAX: i64 = 6;

const IN_FLIGHT: &str = "256";
const SECONDS: &str = "15";
const WARMUP: &str = "5";
/// How the benchmark marks figures that filling new WAL has spoilt.
const COLD: &str = "COLD WAL";
/// How long one benchmark may take, its audit included.
const BENCHED_WITHIN: Duration = Duration::from_secs(300);
/// How long idle connections may stay.
const REST_WITHIN: Duration = Duration::from_secs(180);
/// Segments of 16 MiB that are filled beforehand; more would start a checkpoint by itself.
const WARM_SEGMENTS: usize = 180;

#[tokio::main]
async fn main() -> ExitCode {
    conclude("speed", show().await)
}

async fn show() -> anyhow::Result<String> {
    let cluster = Cluster::start(Layout::all()).await?;
    let mut superuser = cluster.postgres().connect_superuser().await?;
    say("warming the WAL …");
    warm(&mut superuser).await?;
    let uniform = bench(&cluster, &[]).await?;
    warm(&mut superuser).await?;
    let hot = bench(&cluster, &["--hot"]).await?;
    let memory = peak_memory_mib(cluster.process(Member::All)?.pid())?;
    let connections = connections_at_rest(&mut superuser).await?;
    let most = connections
        .iter()
        .map(|(_, count)| *count)
        .max()
        .unwrap_or(0);
    let roles: Vec<_> = connections
        .iter()
        .map(|(role, count)| format!("{role} {count}"))
        .collect();
    drop(superuser);
    cluster.finish().await?;

    let remarks = [uniform.remarks, hot.remarks].concat().join("; ");
    let (uniform, hot) = (uniform.orders_per_second, hot.orders_per_second);
    let share = hot / uniform;
    let counts = format!(
        "{uniform:.0} orders/s uniform and {hot:.0} hot ({share:.2} of it) at {IN_FLIGHT} in \
         flight; peak memory {memory} MiB; connections at rest: {}; remarks: {}",
        roles.join(", "),
        if remarks.is_empty() { "none" } else { &remarks },
    );
    ensure!(!remarks.contains(COLD), "the WAL was not warm: {counts}");
    ensure!(
        uniform >= ORDERS_PER_SECOND_MIN,
        "below {ORDERS_PER_SECOND_MIN:.0} orders/s: {counts}"
    );
    ensure!(
        share >= HOT_SHARE_MIN,
        "hot is below {HOT_SHARE_MIN} of uniform: {counts}"
    );
    ensure!(
        memory <= MEMORY_MIB_MAX,
        "more than {MEMORY_MIB_MAX} MiB: {counts}"
    );
    ensure!(
        most <= CONNECTIONS_MAX,
        "more than {CONNECTIONS_MAX} connections at rest: {counts}"
    );
    Ok(counts)
}

/// Fills segments of WAL, so that the run need not; a fresh cluster would halve every figure.
async fn warm(superuser: &mut PgConnection) -> anyhow::Result<()> {
    for _ in 0..WARM_SEGMENTS {
        let touch = "select pg_logical_emit_message(false, 'holdfast', 'warm')";
        sqlx::query(touch).execute(&mut *superuser).await?;
        sqlx::query("select pg_switch_wal()")
            .execute(&mut *superuser)
            .await?;
    }
    sqlx::raw_sql("checkpoint").execute(superuser).await?;
    Ok(())
}

/// What the benchmark found.
struct Found {
    orders_per_second: f64,
    /// What makes the figures unfit, such as other processes at work.
    remarks: Vec<String>,
}

/// Runs the benchmark.
async fn bench(cluster: &Cluster, flags: &[&str]) -> anyhow::Result<Found> {
    let order = cluster.order_address(0);
    let json = cluster.postgres().dir().join("bench.json");
    let mut command = tokio::process::Command::new(cluster.binary());
    command
        .args([
            "bench",
            "--in-flight",
            IN_FLIGHT,
            "--seconds",
            SECONDS,
            "--warmup",
            WARMUP,
        ])
        .args(flags)
        .arg(format!("--order={}", order.grpc))
        .arg(format!("--inventory={}", cluster.inventory_address().grpc))
        .arg(format!("--audit={}", cluster.audit_address().grpc))
        .arg(format!("--side={}", order.side))
        .arg(format!("--json={}", json.display()))
        .env(
            "HOLDFAST_BENCH_DATABASE_URL",
            cluster.postgres().databases().superuser(),
        )
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let status = tokio::time::timeout(BENCHED_WITHIN, command.status()).await;
    let status = status.context("the benchmark does not end")??;
    ensure!(status.success(), "the benchmark ended with {status}");
    let results: Value = serde_json::from_slice(&std::fs::read(&json)?)?;
    ensure!(
        results["audit"] == "PASS",
        "the audit says {}",
        results["audit"]
    );
    let settings = &results["settings"];
    ensure!(settings.is_array(), "the settings were not read");
    let remarks = results["remarks"].as_array().context("no remarks")?;
    let remarks = remarks.iter().filter_map(Value::as_str);
    let orders_per_second = results["orders_per_second"].as_f64();
    Ok(Found {
        orders_per_second: orders_per_second.context("no orders_per_second")?,
        remarks: remarks.map(str::to_owned).collect(),
    })
}

/// The most memory that a process has had.
fn peak_memory_mib(pid: i32) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("status"))?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    Ok(peak.context("no VmHWM")? / 1_024)
}

/// Connections of each database role once idle ones are closed.
async fn connections_at_rest(superuser: &mut PgConnection) -> anyhow::Result<Vec<(String, i64)>> {
    say("waiting for idle connections to be closed …");
    let rested = eventually("few connections are open", REST_WITHIN, async || {
        let found = connections(superuser).await?;
        Ok(found
            .iter()
            .all(|(_, count)| *count <= CONNECTIONS_MAX)
            .then_some(found))
    })
    .await;
    match rested {
        Ok(found) => Ok(found),
        // How many there are is for the verdict to say.
        Err(_) => connections(superuser).await,
    }
}

async fn connections(superuser: &mut PgConnection) -> anyhow::Result<Vec<(String, i64)>> {
    let connections = "-- tests: connections by role
        select a.usename::text, count(*)
        from pg_stat_activity a
        where a.usename like 'holdfast%'
        group by a.usename
        order by a.usename";
    Ok(sqlx::query_as(connections).fetch_all(superuser).await?)
}
