//! The results, for people and for machines.
//!
//! The rule: what makes a figure unfit to be quoted is said beside it.

mod text;

use serde::Serialize;

use super::{
    counters::Counters,
    database::Settings,
    facts::{self, Machine},
    latency::Latency,
    load::{Load, Mode},
    measure::{DatabaseFigures, Figures},
};

/// Cores that other processes may have kept busy before it is remarked upon.
const OTHERS_CORES_MAX: f64 = 0.1;
/// The services that an order passes through.
const SERVICES: [&str; 3] = ["OrderService", "InventoryService", "PaymentService"];

/// What was measured and what it depends on.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Results {
    /// The command, as it was given.
    pub(super) command: Vec<String>,
    pub(super) commit: Option<String>,
    pub(super) machine: Machine,
    pub(super) load: LoadFacts,
    pub(super) seconds: f64,
    pub(super) orders: u64,
    pub(super) orders_per_second: f64,
    pub(super) latency_ms: Latency,
    /// Orders that are not CONFIRMED, by what became of them.
    pub(super) not_confirmed: std::collections::BTreeMap<String, u64>,
    /// Calls that were made again.
    pub(super) retries: u64,
    pub(super) cpu_us_per_order: Cpu,
    /// Cores that processes outside the measurement kept busy.
    pub(super) others_cores: Option<f64>,
    pub(super) server_memory_mib: Option<f64>,
    pub(super) writers: Vec<WriterFigures>,
    pub(super) rpcs: Vec<RpcFigures>,
    pub(super) rpcs_per_order: Option<f64>,
    /// Batches of all writers, each a transaction or a few.
    pub(super) batches_per_order: Option<f64>,
    /// Transactions that Postgres committed.
    pub(super) commits_per_order: Option<f64>,
    pub(super) wal_bytes_per_order: Option<f64>,
    /// WAL written, and what was ready to be written into without being filled first.
    pub(super) wal_mib: Option<i64>,
    pub(super) warm_wal_mib: Option<i64>,
    pub(super) settings: Option<Settings>,
    /// What makes the figures unfit, or has to be known beside them.
    pub(super) remarks: Vec<String>,
    pub(super) audit: Option<&'static str>,
}

/// The load.
#[derive(Clone, Debug, Serialize)]
pub(super) struct LoadFacts {
    pub(super) mode: &'static str,
    pub(super) in_flight: usize,
    pub(super) connections: usize,
    pub(super) skus: usize,
    pub(super) hot: bool,
    pub(super) lines: usize,
}

/// CPU time of an order, in microseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Cpu {
    pub(super) server: Option<f64>,
    pub(super) postgres: Option<f64>,
    pub(super) client: Option<f64>,
}

/// What a writer did.
#[derive(Clone, Debug, Serialize)]
pub(super) struct WriterFigures {
    pub(super) writer: String,
    pub(super) rows_per_batch: f64,
    pub(super) batches_per_order: f64,
}

/// How often a method was called.
#[derive(Clone, Debug, Serialize)]
pub(super) struct RpcFigures {
    pub(super) service: String,
    pub(super) method: String,
    pub(super) per_order: f64,
}

impl Results {
    /// Draws up the results of a run.
    pub(super) fn new(load: &Load, figures: &Figures) -> Self {
        let orders = figures.records.orders();
        let per_order = |total: f64| total / as_float(orders.max(1));
        let micros = |seconds: f64| per_order(seconds * 1e6);
        let counters = figures.counters.as_ref().ok();
        let database = figures.database.as_ref();
        let seconds = figures.elapsed.as_secs_f64();
        let others_cores = others_cores(figures, counters);
        Self {
            command: std::env::args().skip(1).collect(),
            commit: facts::commit(),
            machine: Machine::read(),
            load: LoadFacts::of(load),
            seconds,
            orders,
            orders_per_second: as_float(orders) / seconds,
            latency_ms: figures.records.latency(),
            not_confirmed: figures.records.not_confirmed(),
            retries: figures.records.retries(),
            cpu_us_per_order: Cpu {
                server: counters.map(|counters| micros(counters.cpu_seconds)),
                postgres: figures.postgres_seconds.map(micros),
                client: figures.client_seconds.map(micros),
            },
            others_cores,
            server_memory_mib: counters.map(|counters| counters.memory_bytes / 1_048_576.0),
            writers: counters.map_or_else(Vec::new, |counters| writers(counters, &per_order)),
            rpcs: counters.map_or_else(Vec::new, |counters| rpcs(counters, &per_order)),
            rpcs_per_order: counters.map(|counters| per_order(counters.calls.values().sum())),
            batches_per_order: counters.map(|counters| per_order(counters.batches.values().sum())),
            commits_per_order: database.map(|database| per_order(signed(database.commits))),
            wal_bytes_per_order: database.map(|database| per_order(signed(database.wal_bytes))),
            wal_mib: database.map(|database| mib(database.wal_bytes)),
            warm_wal_mib: database.and_then(|database| database.warm_bytes).map(mib),
            settings: database.map(|database| database.settings.clone()),
            remarks: remarks(figures, counters, others_cores),
            audit: None,
        }
    }
}

impl LoadFacts {
    fn of(load: &Load) -> Self {
        Self {
            mode: match load.mode() {
                Mode::Unary => "unary",
                Mode::Stream => "stream",
            },
            in_flight: load.shares().iter().sum(),
            connections: load.shares().len(),
            skus: load.workload().skus().len(),
            hot: load.workload().hot(),
            lines: load.workload().lines(),
        }
    }
}

fn writers(counters: &Counters, per_order: &impl Fn(f64) -> f64) -> Vec<WriterFigures> {
    let figures = |(writer, batches): (&String, &f64)| WriterFigures {
        writer: writer.clone(),
        rows_per_batch: counters.rows.get(writer).unwrap_or(&0.0) / batches,
        batches_per_order: per_order(*batches),
    };
    counters.batches.iter().map(figures).collect()
}

fn rpcs(counters: &Counters, per_order: &impl Fn(f64) -> f64) -> Vec<RpcFigures> {
    let figures = |((service, method), calls): (&(String, String), &f64)| RpcFigures {
        service: service.clone(),
        method: method.clone(),
        per_order: per_order(*calls),
    };
    counters.calls.iter().map(figures).collect()
}

/// None unless every part is known, for what is not known would be counted among the others.
fn others_cores(figures: &Figures, counters: Option<&Counters>) -> Option<f64> {
    let ours = counters?.cpu_seconds + figures.postgres_seconds? + figures.client_seconds?;
    Some((figures.machine_seconds? - ours).max(0.0) / figures.elapsed.as_secs_f64())
}

fn remarks(
    figures: &Figures,
    counters: Option<&Counters>,
    others_cores: Option<f64>,
) -> Vec<String> {
    let mut remarks = Vec::new();
    let not_confirmed: u64 = figures.records.not_confirmed().values().sum();
    if not_confirmed > 0 {
        remarks.push(format!(
            "NOT ALL CONFIRMED: {not_confirmed} orders were not"
        ));
    }
    match &figures.database {
        Some(database) => remarks.extend(database_remarks(database)),
        None => remarks.push(
            "settings and WAL not read: no --database-url, and no `holdfast dev` at these addresses \
             with the default data directory (the services refuse to start without fsync, \
             full_page_writes and synchronous_commit)"
                .to_owned(),
        ),
    }
    if let Err(error) = &figures.counters {
        remarks.push(format!("counters not read: {error}"));
    }
    if let Some(counters) = counters {
        let seen = &counters.services;
        let missing = |service: &&str| !seen.iter().any(|seen| seen.ends_with(service));
        let missing: Vec<_> = SERVICES
            .into_iter()
            .filter(|service| missing(service))
            .collect();
        if !missing.is_empty() {
            let missing = missing.join(", ");
            remarks.push(format!(
                "no counters of {missing}: name their side ports with --side"
            ));
        }
    }
    if let Some(cores) = others_cores.filter(|cores| *cores > OTHERS_CORES_MAX) {
        remarks.push(format!(
            "DISTURBED: other processes kept {cores:.2} cores busy"
        ));
    }
    remarks
}

fn database_remarks(database: &DatabaseFigures) -> Vec<String> {
    let mut remarks = Vec::new();
    let unsafe_ones = database.settings.unsafe_ones();
    if !unsafe_ones.is_empty() {
        remarks.push(format!("UNSAFE SETTINGS: {} off", unsafe_ones.join(", ")));
    }
    let written = mib(database.wal_bytes);
    match database.warm_bytes {
        Some(warm) if warm < database.wal_bytes => {
            let warm = mib(warm);
            remarks.push(format!(
                "COLD WAL: {written} MiB written, {warm} MiB were warm"
            ));
        }
        Some(_) => {}
        None => remarks.push("whether the WAL was warm is not known to this role".to_owned()),
    }
    remarks
}

fn mib(bytes: i64) -> i64 {
    bytes >> 20
}

#[expect(clippy::cast_precision_loss, reason = "counts below 2^53")]
fn as_float(count: u64) -> f64 {
    count as f64
}

#[expect(clippy::cast_precision_loss, reason = "counts below 2^53")]
fn signed(count: i64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests;
