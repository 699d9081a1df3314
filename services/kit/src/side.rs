//! The side port: /livez, /readyz and /metrics over HTTP/1.
//! It opens before the service and closes after it, so that a drain can be watched.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::routing::get;
use tokio::net::TcpListener;

use crate::telemetry;

/// How often histograms are folded.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// What the text format of /metrics is called.
const METRICS_CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Ticks a second of the CPU times in /proc/self/stat; the same on every Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// Whether the service takes calls; a clone is the same flag.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<AtomicBool>);

impl Readiness {
    /// Starts not ready.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says that the service takes calls.
    pub fn set_ready(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Says that the service takes no calls.
    pub fn set_not_ready(&self) {
        self.0.store(false, Ordering::Release);
    }

    /// Tells whether the service takes calls.
    pub fn is_ready(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Serves the side port until it is dropped.
///
/// # Cancellation
/// Dropping it closes the port.
pub async fn serve(listener: TcpListener, readiness: Readiness) {
    telemetry::install_metrics();
    describe_process();
    let readyz = move || {
        let ready = readiness.is_ready();
        async move {
            if ready {
                (StatusCode::OK, "ok\n")
            } else {
                (StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
            }
        }
    };
    let router = Router::new()
        .route("/livez", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics_page));
    tokio::select! {
        served = axum::serve(listener, router) => {
            if let Err(error) = served {
                tracing::error!(%error, "the side port stopped");
            }
        }
        () = upkeep() => {}
    }
}

async fn upkeep() {
    let mut ticks = tokio::time::interval(UPKEEP_EVERY);
    loop {
        ticks.tick().await;
        telemetry::fold_metrics();
    }
}

async fn metrics_page() -> impl axum::response::IntoResponse {
    measure_process();
    (
        [(header::CONTENT_TYPE, METRICS_CONTENT_TYPE)],
        telemetry::render_metrics(),
    )
}

fn describe_process() {
    metrics::describe_gauge!("process_cpu_seconds", "CPU time of the process so far.");
    metrics::describe_gauge!("process_resident_memory_bytes", "Memory of the process.");
    metrics::describe_gauge!("process_open_fds", "Open file descriptors of the process.");
}

/// Sets the process's gauges from /proc; where that is missing they stay as they are.
fn measure_process() {
    if let Some(seconds) = fs::read_to_string("/proc/self/stat")
        .ok()
        .as_deref()
        .and_then(cpu_seconds)
    {
        metrics::gauge!("process_cpu_seconds").set(seconds);
    }
    if let Some(bytes) = fs::read_to_string("/proc/self/status")
        .ok()
        .as_deref()
        .and_then(resident_bytes)
    {
        metrics::gauge!("process_resident_memory_bytes").set(bytes);
    }
    if let Ok(descriptors) = fs::read_dir("/proc/self/fd") {
        let open = u32::try_from(descriptors.count()).unwrap_or(u32::MAX);
        metrics::gauge!("process_open_fds").set(open);
    }
}

/// User and system time, fields 14 and 15; the second field, in parentheses, may hold spaces.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut times = fields.split(' ').skip(11);
    let user: f64 = times.next()?.parse().ok()?;
    let system: f64 = times.next()?.parse().ok()?;
    Some((user + system) / TICKS_PER_SECOND)
}

fn resident_bytes(status: &str) -> Option<f64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024.0)
}

#[cfg(test)]
mod tests {
    use super::{Readiness, cpu_seconds, resident_bytes, serve};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    #[test]
    fn process_figures_are_read_from_proc() {
        let stat = "7 (a (b) c) S 1 7 7 0 -1 4194304 1 0 0 0 250 50 0 0 20 0 1";
        assert_eq!(cpu_seconds(stat), Some(3.0));
        assert_eq!(
            resident_bytes("Name:\tx\nVmRSS:\t   12 kB\n"),
            Some(12_288.0)
        );
        assert_eq!(cpu_seconds("nonsense"), None);
    }

    async fn get(address: std::net::SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn the_side_port_tells_life_readiness_and_metrics() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let readiness = Readiness::new();
        let serving = tokio::spawn(serve(listener, readiness.clone()));
        assert!(get(address, "/livez").await.starts_with("HTTP/1.1 200"));
        assert!(get(address, "/readyz").await.starts_with("HTTP/1.1 503"));
        readiness.set_ready();
        assert!(get(address, "/readyz").await.starts_with("HTTP/1.1 200"));
        let page = get(address, "/metrics").await;
        assert!(page.contains("process_resident_memory_bytes "), "{page}");
        serving.abort();
    }
}
