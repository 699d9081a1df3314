//! Counts, latency and calls in flight, by method.
//! Handles are made once per method and code, so that a call costs atomic operations and no labels;
//! a call that is dropped is counted as cancelled, whatever dropped it.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use metrics::{Counter, Gauge, Histogram};
use tonic::Code;

/// How many codes gRPC has, OK included.
const CODES: usize = 17;

/// The codes' names as labels, by number.
const CODE_NAMES: [&str; CODES] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// The metrics of one method.
#[derive(Debug)]
pub(super) struct Account {
    service: &'static str,
    method: &'static str,
    calls: [OnceLock<Counter>; CODES],
    seconds: Histogram,
    in_flight: Gauge,
}

/// Says what the metrics are, for /metrics.
pub(super) fn describe() {
    metrics::describe_counter!(
        "grpc_server_calls_total",
        "Calls answered, by method and code."
    );
    metrics::describe_histogram!(
        "grpc_server_call_seconds",
        "Time from a call's head to its answer."
    );
    metrics::describe_gauge!("grpc_server_calls_in_flight", "Calls not yet answered.");
}

impl Account {
    /// Opens the account of "/service/method"; the path's parts become labels.
    pub(super) fn open(service: &'static str, method: &'static str) -> Self {
        Self {
            service,
            method,
            calls: [const { OnceLock::new() }; CODES],
            seconds: metrics::histogram!(
                "grpc_server_call_seconds", "service" => service, "method" => method
            ),
            in_flight: metrics::gauge!(
                "grpc_server_calls_in_flight", "service" => service, "method" => method
            ),
        }
    }

    fn count(&self, code: Code) {
        let number = usize::try_from(i32::from(code)).unwrap_or(Code::Unknown as usize);
        let name = CODE_NAMES[number];
        let make = || {
            metrics::counter!(
                "grpc_server_calls_total",
                "service" => self.service, "method" => self.method, "code" => name
            )
        };
        self.calls[number].get_or_init(make).increment(1);
    }
}

/// A call in flight; it is counted when it is finished, or else when it is dropped.
#[derive(Debug)]
pub(super) struct InFlight {
    account: Arc<Account>,
    since: Instant,
    code: Code,
}

impl InFlight {
    pub(super) fn begin(account: Arc<Account>) -> Self {
        account.in_flight.increment(1);
        Self {
            account,
            since: Instant::now(),
            code: Code::Cancelled,
        }
    }

    pub(super) fn finish(mut self, code: Code) {
        self.code = code;
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.account.in_flight.decrement(1);
        self.account.seconds.record(self.since.elapsed());
        self.account.count(self.code);
    }
}

#[cfg(test)]
mod tests {
    use super::{Account, CODE_NAMES, CODES, InFlight};
    use crate::telemetry;
    use std::sync::Arc;
    use tonic::Code;

    #[test]
    fn every_code_has_its_name() {
        for (number, name) in (0..).zip(CODE_NAMES) {
            let code = Code::from_i32(number);
            assert_eq!(i32::from(code), number);
            let spelled = name.replace('_', "").to_lowercase();
            let spelled = if spelled == "cancelled" {
                "cancelled".to_owned()
            } else {
                spelled
            };
            assert_eq!(format!("{code:?}").to_lowercase(), spelled);
        }
        assert_eq!(CODES, 17);
    }

    #[test]
    fn answered_and_dropped_calls_are_counted_by_code() {
        telemetry::install_metrics();
        let account = Arc::new(Account::open("accounting.Test", "Call"));
        InFlight::begin(Arc::clone(&account)).finish(Code::Ok);
        drop(InFlight::begin(Arc::clone(&account)));
        let _open = InFlight::begin(account);
        let text = telemetry::render_metrics();
        let labels = r#"service="accounting.Test",method="Call""#;
        for line in [
            format!("grpc_server_calls_total{{{labels},code=\"OK\"}} 1"),
            format!("grpc_server_calls_total{{{labels},code=\"CANCELLED\"}} 1"),
            format!("grpc_server_calls_in_flight{{{labels}}} 1"),
            format!("grpc_server_call_seconds_count{{{labels}}} 2"),
        ] {
            assert!(text.contains(&line), "{line} is not in {text}");
        }
    }
}
