//! `holdfast bench`: how many orders a second are placed, and where the time goes.
//!
//! The rule: a figure is shown with whatever it depends on, and one that was not measured is
//! missing, not guessed. It asserts nothing about time; it reports.

mod beside;
mod cluster;
mod counters;
mod database;
mod facts;
mod latency;
mod load;
mod measure;
mod processes;
mod report;
mod stock;
mod stream;
mod unary;
mod wire;
mod workload;

use std::{
    fs, io,
    io::Write as _,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use holdfast::client::{self, Addresses, audit::audit};
use holdfast_postgres::SourceArgs;

use crate::dev;
use cluster::Child;
use load::{Load, Mode};
use measure::Target;
use report::Results;
use workload::Workload;

/// Orders in flight at the most.
const IN_FLIGHT_MAX: usize = 16_384;
/// Connections at the most.
const CONNECTIONS_MAX: usize = 64;
/// SKUs at the most.
const SKUS_MAX: usize = 1_000_000;
/// Lines of an order at the most.
const LINES_MAX: usize = 1_000;
/// The longest run, and the longest warm-up, in seconds.
const SECONDS_MAX: u64 = 86_400;

/// What load to put on what.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Orders in flight: each is placed when the one before it has been decided
    #[arg(long, value_name = "N", default_value_t = 256)]
    in_flight: usize,
    /// Seconds that are measured
    #[arg(long, value_name = "N", default_value_t = 10)]
    seconds: u64,
    /// Seconds of the same load before that
    #[arg(long, value_name = "N", default_value_t = 3)]
    warmup: u64,
    /// SKUs that orders choose from, uniformly
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    skus: usize,
    /// The first line of every order is for one and the same SKU
    #[arg(long)]
    hot: bool,
    /// Lines of an order
    #[arg(long, value_name = "N", default_value_t = 1)]
    lines: usize,
    /// Place orders over one stream a connection, in place of a call each
    #[arg(long)]
    stream: bool,
    /// Connections to the order service
    #[arg(long, value_name = "N", default_value_t = 1)]
    connections: usize,
    /// Start an ephemeral cluster in a process of its own and measure that
    #[arg(long)]
    dev: bool,
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    addresses: Addresses,
    /// Side ports of the processes under load, each once: their /metrics are read; without it the
    /// order service's port + 100, where `holdfast dev` has all of them
    #[arg(long, value_name = "HOST:PORT", value_delimiter = ',')]
    side: Vec<String>,
    /// A database of the Postgres under load, to read its settings, its WAL and its transactions;
    /// without it that of the `holdfast dev` at these addresses, if its data is where `dev` keeps
    /// it by default
    #[arg(
        long,
        env = "HOLDFAST_BENCH_DATABASE_URL",
        hide_env_values = true,
        value_name = "URL"
    )]
    database_url: Option<String>,
    /// Write the results to this file as well
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Do not audit afterwards
    #[arg(long)]
    no_audit: bool,
    /// Be the cluster of `--dev`
    #[arg(long, hide = true)]
    cluster_child: bool,
}

pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    if args.cluster_child {
        return cluster::serve(args.source).await;
    }
    check(&args)?;
    if args.dev {
        say("starting an ephemeral cluster …")?;
        let child = Child::start(&args.source).await?;
        let measured = measure_and_audit(&args, child.target()).await;
        return measured.and(child.stop().await);
    }
    let side = match args.side.is_empty() {
        true => vec![measure::side_of_dev(&args.addresses.order)?],
        false => args.side.clone(),
    };
    let database_url = match (&args.database_url, dev::default_data_dir()) {
        (Some(url), _) => Some(url.clone()),
        (None, Ok(dir)) => beside::database_url(&dir, &args.addresses).await,
        (None, Err(_)) => None,
    };
    let target = Target {
        order: args.addresses.order.clone(),
        inventory: args.addresses.inventory.clone(),
        audit: args.addresses.audit.clone(),
        side,
        database_url,
        postmaster: None,
        owned: false,
    };
    measure_and_audit(&args, &target).await
}

fn check(args: &Args) -> anyhow::Result<()> {
    for (flag, value, max) in [
        ("--in-flight", args.in_flight, IN_FLIGHT_MAX),
        ("--connections", args.connections, CONNECTIONS_MAX),
        ("--skus", args.skus, SKUS_MAX),
        ("--lines", args.lines, LINES_MAX),
    ] {
        anyhow::ensure!((1..=max).contains(&value), "{flag} is 1 to {max}");
    }
    anyhow::ensure!(
        (1..=SECONDS_MAX).contains(&args.seconds),
        "--seconds is 1 to {SECONDS_MAX}"
    );
    anyhow::ensure!(args.warmup <= SECONDS_MAX, "--warmup is 0 to {SECONDS_MAX}");
    anyhow::ensure!(
        args.connections <= args.in_flight,
        "fewer orders in flight than connections"
    );
    Ok(())
}

async fn measure_and_audit(args: &Args, target: &Target) -> anyhow::Result<()> {
    let workload = Workload::new(args.skus, args.lines, args.hot);
    let inventory = client::connect("inventory", &target.inventory).await?;
    client::connect("order", &target.order).await?;
    say(&format!("stocking {} SKUs …", workload.skus().len()))?;
    stock::prepare(inventory, &workload).await?;

    if let Some(url) = target.database_url.as_deref().filter(|_| target.owned) {
        say("warming the WAL …")?;
        database::warm(url, Duration::from_secs(args.warmup + args.seconds)).await?;
    }
    let load = Arc::new(Load::new(
        workload,
        target.order.clone(),
        if args.stream {
            Mode::Stream
        } else {
            Mode::Unary
        },
        load::shares(args.in_flight, args.connections),
    ));
    say(&format!(
        "{} s of warm-up, then {} s measured …",
        args.warmup, args.seconds
    ))?;
    let (warmup, measured) = (
        Duration::from_secs(args.warmup),
        Duration::from_secs(args.seconds),
    );
    let figures = measure::run(&load, target, warmup, measured).await?;
    let mut results = Results::new(&load, &figures);
    say(&format!("\n{results}"))?;

    let audited = match args.no_audit {
        true => Ok(()),
        false => audit_into(&mut results, &target.audit).await,
    };
    if let Some(path) = &args.json {
        let text = serde_json::to_vec_pretty(&results)?;
        fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    audited
}

async fn audit_into(results: &mut Results, address: &str) -> anyhow::Result<()> {
    say("\nauditing …")?;
    let begun = Instant::now();
    let audit = audit(address).await?;
    results.audit = Some(audit.verdict());
    say(&format!(
        "{audit} in {:.1} s",
        begun.elapsed().as_secs_f64()
    ))?;
    anyhow::ensure!(audit.passed(), "the audit says {}", audit.verdict());
    Ok(())
}

fn say(text: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{text}")
}
