//! Logs and metrics of the process.
//! Both are set up once, before the first service starts; logs go to standard error, so that
//! standard output stays free for answers.

use std::fmt;
use std::io::{self, IsTerminal};
use std::sync::OnceLock;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;

/// Upper bounds of the buckets of every histogram whose name ends in `_seconds`.
const SECONDS_BUCKETS: [f64; 15] = [
    0.000_25, 0.000_5, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.0,
    4.0, 16.0,
];

/// Upper bounds of the buckets of every histogram whose name ends in `_items` or `_rows`.
const COUNT_BUCKETS: [f64; 11] = [
    1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 4_096.0,
];

/// How logs are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// A line for people, coloured on a terminal.
    #[default]
    Human,
    /// A JSON object a line, for machines.
    Json,
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Human => "human",
            Self::Json => "json",
        })
    }
}

/// The flags that every role has.
#[derive(Clone, Debug, clap::Args)]
pub struct Config {
    /// How logs are written: human, or json for machines.
    #[arg(
        long,
        env = "HOLDFAST_LOG_FORMAT",
        default_value_t,
        value_enum,
        global = true
    )]
    pub log_format: LogFormat,

    /// What is logged: a level (error, warn, info, debug, trace), or levels by module such as
    /// "info,holdfast_order=debug".
    #[arg(
        long,
        env = "HOLDFAST_LOG",
        default_value = "info",
        value_name = "FILTER",
        global = true
    )]
    pub log: String,
}

impl Config {
    /// Sets up logs and metrics.
    ///
    /// # Errors
    /// If the filter cannot be read, or logs were set up before.
    pub fn init(&self) -> Result<(), TelemetryError> {
        init(self.log_format, &self.log)
    }
}

/// Why logs could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter is malformed.
    #[error("the log filter cannot be read: {0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// The process has a subscriber already.
    #[error("logs were set up before: {0}")]
    Twice(#[from] tracing_subscriber::util::TryInitError),
}

/// Sets up logs and metrics; `filter` is a level, or levels by module.
///
/// # Errors
/// If the filter cannot be read, or logs were set up before.
pub fn init(format: LogFormat, filter: &str) -> Result<(), TelemetryError> {
    install_metrics();
    let logs = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_new(filter)?)
        .with_writer(io::stderr)
        .with_ansi(format == LogFormat::Human && io::stderr().is_terminal());
    match format {
        LogFormat::Human => logs.finish().try_init()?,
        LogFormat::Json => logs.json().flatten_event(true).finish().try_init()?,
    }
    Ok(())
}

static METRICS: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// Installs the metrics recorder, once; handles made before are deaf, so servers call it first.
pub fn install_metrics() {
    metrics_handle();
}

fn metrics_handle() -> Option<&'static PrometheusHandle> {
    let install = || {
        PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS_BUCKETS)
            .and_then(|b| {
                b.set_buckets_for_metric(Matcher::Suffix("_items".to_owned()), &COUNT_BUCKETS)
            })
            .and_then(|b| {
                b.set_buckets_for_metric(Matcher::Suffix("_rows".to_owned()), &COUNT_BUCKETS)
            })
            .and_then(PrometheusBuilder::install_recorder)
            .inspect_err(|error| tracing::warn!(%error, "there will be no metrics"))
            .ok()
    };
    METRICS.get_or_init(install).as_ref()
}

/// Gives all metrics in Prometheus' text format.
pub fn render_metrics() -> String {
    metrics_handle()
        .map(PrometheusHandle::render)
        .unwrap_or_default()
}

/// Folds what histograms have collected; without it, every few seconds, they grow.
pub(crate) fn fold_metrics() {
    if let Some(handle) = metrics_handle() {
        handle.run_upkeep();
    }
}

#[cfg(test)]
mod tests {
    use super::{LogFormat, TelemetryError, init, install_metrics, render_metrics};

    #[test]
    fn metrics_are_rendered_with_buckets() {
        install_metrics();
        metrics::histogram!("telemetry_test_seconds").record(0.003);
        metrics::counter!("telemetry_test_total").increment(2);
        let text = render_metrics();
        assert!(text.contains("telemetry_test_total 2"), "{text}");
        assert!(
            text.contains("telemetry_test_seconds_bucket{le=\"0.004\"} 1"),
            "{text}"
        );
        assert!(
            text.contains("telemetry_test_seconds_bucket{le=\"0.002\"} 0"),
            "{text}"
        );
    }

    #[test]
    fn a_malformed_filter_is_refused() {
        let error = init(LogFormat::Json, "info,=x=").unwrap_err();
        assert!(matches!(error, TelemetryError::Filter(_)), "{error}");
    }
}
