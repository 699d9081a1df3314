//! Reads the services' own counters off their side ports.
//!
//! The rule: what a run cost is the difference of two readings of the same processes; if one of them
//! ended in between there is no difference.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    time::Duration,
};

use anyhow::Context as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

/// How long a reading may take.
const READ_WITHIN: Duration = Duration::from_secs(5);
/// Bytes of a reading at the most.
const PAGE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// A row of this is there for every method that a process serves, called or not.
const CALLS_IN_FLIGHT: &str = "grpc_server_calls_in_flight";
/// What is read, by the label that tells its rows apart.
const CALLS: &str = "grpc_server_calls_total";
const BATCHES: &str = "holdfast_batches_total";
const ROWS: &str = "holdfast_batch_rows_total";
const CPU_SECONDS: &str = "process_cpu_seconds";
const MEMORY_BYTES: &str = "process_resident_memory_bytes";
/// Services that every server has beside its own.
const PLATFORM: [&str; 2] = ["grpc.health.", "grpc.reflection."];

/// What all read processes counted.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Counters {
    /// Services that the processes serve.
    pub(super) services: BTreeSet<String>,
    /// Calls answered, by service and method, whatever the code.
    pub(super) calls: BTreeMap<(String, String), f64>,
    /// Batches, by writer.
    pub(super) batches: BTreeMap<String, f64>,
    /// Items in them, by writer.
    pub(super) rows: BTreeMap<String, f64>,
    /// CPU time in seconds.
    pub(super) cpu_seconds: f64,
    /// Resident memory in bytes, of all of them.
    pub(super) memory_bytes: f64,
}

impl Counters {
    /// Reads the side ports, each of which is to belong to another process.
    ///
    /// # Errors
    /// If one does not answer.
    pub(super) async fn read(sides: &[String]) -> anyhow::Result<Self> {
        let mut counters = Self::default();
        for side in sides {
            let page = page(side)
                .await
                .with_context(|| format!("no metrics from {side}"))?;
            counters.add(&page);
        }
        Ok(counters)
    }

    fn add(&mut self, page: &str) {
        for Sample {
            name,
            labels,
            value,
        } in page.lines().filter_map(Sample::parse)
        {
            let label = |name: &str| labels.get(name).cloned().unwrap_or_default();
            match name {
                CALLS => {
                    let service = label("service");
                    if !PLATFORM
                        .iter()
                        .any(|platform| service.starts_with(platform))
                    {
                        *self.calls.entry((service, label("method"))).or_default() += value;
                    }
                }
                CALLS_IN_FLIGHT => {
                    self.services.insert(label("service"));
                }
                BATCHES => *self.batches.entry(label("writer")).or_default() += value,
                ROWS => *self.rows.entry(label("writer")).or_default() += value,
                CPU_SECONDS => self.cpu_seconds += value,
                MEMORY_BYTES => self.memory_bytes += value,
                _ => {}
            }
        }
    }

    /// What was counted since an earlier reading; memory is as it is now.
    pub(super) fn since(&self, before: &Self) -> Self {
        Self {
            services: self.services.clone(),
            calls: difference(&self.calls, &before.calls),
            batches: difference(&self.batches, &before.batches),
            rows: difference(&self.rows, &before.rows),
            cpu_seconds: self.cpu_seconds - before.cpu_seconds,
            memory_bytes: self.memory_bytes,
        }
    }
}

/// An open connection to each process, which ends with it.
#[derive(Debug)]
pub(super) struct Watch(Vec<TcpStream>);

impl Watch {
    /// Connects to the side ports.
    ///
    /// # Errors
    /// If one does not answer.
    pub(super) async fn open(sides: &[String]) -> io::Result<Self> {
        let mut streams = Vec::with_capacity(sides.len());
        for side in sides {
            streams.push(timeout(READ_WITHIN, TcpStream::connect(side)).await??);
        }
        Ok(Self(streams))
    }

    /// Tells whether all processes are those of the beginning.
    pub(super) fn all_live(&self) -> bool {
        let is_open = |stream: &TcpStream| {
            let read = stream.try_read(&mut [0]);
            read.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
        };
        self.0.iter().all(is_open)
    }
}

/// Rows that did not move are left out.
fn difference<K: Ord + Clone>(
    after: &BTreeMap<K, f64>,
    before: &BTreeMap<K, f64>,
) -> BTreeMap<K, f64> {
    let moved = |(key, value): (&K, &f64)| {
        let moved = value - before.get(key).unwrap_or(&0.0);
        (moved > 0.0).then(|| (key.clone(), moved))
    };
    after.iter().filter_map(moved).collect()
}

/// A line of the text format.
#[derive(Debug, PartialEq)]
struct Sample<'a> {
    name: &'a str,
    labels: BTreeMap<&'a str, String>,
    value: f64,
}

impl<'a> Sample<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            return None;
        }
        let end = line.find(['{', ' '])?;
        let (name, mut rest) = line.split_at(end);
        let mut labels = BTreeMap::new();
        if let Some(inside) = rest.strip_prefix('{') {
            rest = parse_labels(inside, &mut labels)?;
        }
        let value = rest.split_whitespace().next()?.parse().ok()?;
        Some(Self {
            name,
            labels,
            value,
        })
    }
}

/// Reads `a="b",c="d"}` and gives what follows.
fn parse_labels<'a>(text: &'a str, labels: &mut BTreeMap<&'a str, String>) -> Option<&'a str> {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([',', ' ']);
        if let Some(after) = rest.strip_prefix('}') {
            return Some(after);
        }
        let (name, quoted) = rest.split_once("=\"")?;
        let mut value = String::new();
        let mut chars = quoted.char_indices();
        rest = loop {
            match chars.next()? {
                (at, '"') => break &quoted[at + 1..],
                (_, '\\') => match chars.next()?.1 {
                    'n' => value.push('\n'),
                    other => value.push(other),
                },
                (_, other) => value.push(other),
            }
        };
        labels.insert(name, value);
    }
}

/// Gets /metrics. HTTP/1.0, so that the answer comes whole and ends with the connection.
async fn page(side: &str) -> anyhow::Result<String> {
    let read = async {
        let mut stream = TcpStream::connect(side).await?;
        stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").await?;
        let mut answer = String::new();
        stream
            .take(PAGE_BYTES_MAX)
            .read_to_string(&mut answer)
            .await?;
        anyhow::Ok(answer)
    };
    let answer = timeout(READ_WITHIN, read)
        .await
        .context("no answer in time")??;
    let (head, body) = answer.split_once("\r\n\r\n").context("no HTTP answer")?;
    let status = head.split(' ').nth(1).unwrap_or("none");
    anyhow::ensure!(status == "200", "HTTP status {status}");
    Ok(body.to_owned())
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::{Counters, Sample, Watch};

    const BEFORE: &str = r#"
# HELP grpc_server_calls_total Calls answered, by method and code.
grpc_server_calls_total{service="holdfast.order.v1.OrderService",method="PlaceOrder",code="OK"} 10
grpc_server_calls_total{service="holdfast.order.v1.OrderService",method="PlaceOrder",code="UNAVAILABLE"} 1
grpc_server_calls_total{service="grpc.health.v1.Health",method="Check",code="OK"} 99
holdfast_batches_total{writer="place"} 4
holdfast_batch_rows_total{writer="place"} 40
process_cpu_seconds 1.5
process_resident_memory_bytes 1e6
"#;
    const AFTER: &str = r#"
grpc_server_calls_total{service="holdfast.order.v1.OrderService",method="PlaceOrder",code="OK"} 110
grpc_server_calls_total{service="holdfast.order.v1.OrderService",method="PlaceOrder",code="UNAVAILABLE"} 1
holdfast_batches_total{writer="place"} 9
holdfast_batch_rows_total{writer="place"} 140
holdfast_batches_total{writer="finish"} 2
grpc_server_calls_in_flight{service="holdfast.order.v1.OrderService",method="PlaceOrders"} 1
process_cpu_seconds 2.5
process_resident_memory_bytes 2e6
"#;

    fn counters(page: &str) -> Counters {
        let mut counters = Counters::default();
        counters.add(page);
        counters
    }

    #[test]
    fn samples_are_read_with_and_without_labels() {
        let sample = Sample::parse(r#"a_total{b="c \"d\", \\e}",f="g"} 3.5 1700000000"#).unwrap();
        assert_eq!((sample.name, sample.value), ("a_total", 3.5));
        assert_eq!(sample.labels["b"], r#"c "d", \e}"#);
        assert_eq!(sample.labels["f"], "g");
        assert_eq!(Sample::parse("up 1").map(|sample| sample.value), Some(1.0));
        for none in ["", "# TYPE a counter", "a{b=\"c\" 1", "a", "a x"] {
            assert_eq!(Sample::parse(none), None, "{none}");
        }
    }

    #[test]
    fn a_run_is_the_difference_of_two_readings() {
        let run = counters(AFTER).since(&counters(BEFORE));
        let calls: Vec<_> = run
            .calls
            .iter()
            .map(|((_, method), n)| (method.as_str(), *n))
            .collect();
        assert_eq!(calls, [("PlaceOrder", 100.0)]);
        assert_eq!((run.batches["place"], run.rows["place"]), (5.0, 100.0));
        assert_eq!(run.batches["finish"], 2.0);
        assert_eq!((run.cpu_seconds, run.memory_bytes), (1.0, 2e6));
    }

    #[tokio::test]
    async fn a_process_that_ends_is_noticed() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let side = listener.local_addr().unwrap().to_string();
        let watch = Watch::open(&[side]).await.unwrap();
        let (accepted, _) = listener.accept().await.unwrap();
        assert!(watch.all_live());
        drop(accepted);
        watch.0[0].readable().await.unwrap();
        assert!(!watch.all_live());
    }

    #[test]
    fn processes_add_up() {
        let mut both = counters(AFTER);
        both.add(AFTER);
        assert_eq!((both.cpu_seconds, both.batches["place"]), (5.0, 18.0));
        // A stream that has not ended is not among the calls, but its service is there.
        assert!(both.services.contains("holdfast.order.v1.OrderService"));
    }
}
