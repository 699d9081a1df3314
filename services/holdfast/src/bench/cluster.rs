//! The cluster of `bench --dev`, in a process of its own, so that its CPU time is told apart.
//!
//! The rule: it lives as long as its standard input is open. However the benchmark ends, the pipe
//! closes, and nothing is left behind.

use std::{env, io, io::Write as _, process::Stdio, thread, time::Duration};

use anyhow::Context as _;
use holdfast::cluster::{Cluster, Options, Ports};
use holdfast_kit::shutdown;
use holdfast_postgres::{Location, ParentDeath, SourceArgs};
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child as Process, Command},
    time::timeout,
};

use super::measure::Target;

/// How long the cluster may take to start; its Postgres may have to be fetched first.
const START_WITHIN: Duration = Duration::from_secs(600);
/// How long it may take to stop.
const STOP_WITHIN: Duration = Duration::from_secs(60);

/// What the cluster tells of itself, as one line of JSON on its standard output.
#[derive(Debug, Serialize, Deserialize)]
struct Greeting {
    order: String,
    inventory: String,
    audit: String,
    side: String,
    database_url: String,
    postmaster: i32,
}

/// Runs the cluster until standard input ends.
///
/// # Errors
/// If it does not start, or a part of it ends by itself.
pub(super) async fn serve(source: SourceArgs) -> anyhow::Result<()> {
    let shutdown = shutdown::on_signal()?;
    let cluster = Cluster::start(Options {
        postgres: holdfast_postgres::Options {
            location: Location::Ephemeral,
            source: source.into(),
            port: None,
            parent_death: ParentDeath::Stop,
        },
        ports: Ports::Free,
    })
    .await?;
    let addresses = cluster.addresses();
    let greeting = Greeting {
        order: addresses.order.grpc.to_string(),
        inventory: addresses.inventory.grpc.to_string(),
        audit: addresses.audit.grpc.to_string(),
        side: addresses.order.side.to_string(),
        database_url: cluster.databases().superuser().to_owned(),
        postmaster: cluster.server().pid(),
    };
    writeln!(io::stdout(), "{}", serde_json::to_string(&greeting)?)?;
    let ended = shutdown.clone();
    // A thread of its own: reading standard input blocks until the benchmark ends.
    thread::spawn(move || {
        // Nothing is ever written to it, and an error ends it as well.
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        ended.cancel();
    });
    cluster.run_until(shutdown).await
}

/// The running cluster.
#[derive(Debug)]
pub(super) struct Child {
    process: Process,
    target: Target,
}

impl Child {
    /// Starts it from this very executable and waits until it serves.
    ///
    /// # Errors
    /// If it does not.
    pub(super) async fn start(source: &SourceArgs) -> anyhow::Result<Self> {
        let mut command = Command::new(env::current_exe()?);
        command.args(["--log", "warn", "bench", "--cluster-child"]);
        if let Some(dir) = &source.pg_bin {
            command.arg("--pg-bin").arg(dir);
        }
        if source.pg_embedded {
            command.arg("--pg-embedded");
        }
        // A terminal's Ctrl-C is for the benchmark; the cluster stops when the pipe closes.
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .context("cannot start the cluster's process")?;
        let output = process
            .stdout
            .take()
            .context("the cluster's output is not piped")?;
        let mut line = String::new();
        timeout(START_WITHIN, BufReader::new(output).read_line(&mut line))
            .await
            .context("the cluster does not start in time")??;
        let greeting: Greeting =
            serde_json::from_str(&line).context("the cluster did not start")?;
        let target = Target {
            order: greeting.order,
            inventory: greeting.inventory,
            audit: greeting.audit,
            side: vec![greeting.side],
            database_url: Some(greeting.database_url),
            postmaster: Some(greeting.postmaster),
            owned: true,
        };
        Ok(Self { process, target })
    }

    /// Where it answers.
    pub(super) fn target(&self) -> &Target {
        &self.target
    }

    /// Stops it.
    ///
    /// # Errors
    /// If it does not stop in time, or not well.
    pub(super) async fn stop(mut self) -> anyhow::Result<()> {
        drop(self.process.stdin.take());
        let status = timeout(STOP_WITHIN, self.process.wait())
            .await
            .context("the cluster does not stop")??;
        anyhow::ensure!(status.success(), "the cluster ended with {status}");
        Ok(())
    }
}
