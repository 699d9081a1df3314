//! What the results say, and what they remark upon.
//!
//! The rule: a figure that has to be marked is marked, and one that is not known is a dash.

use std::{collections::BTreeMap, time::Duration};

use super::Results;
use crate::bench::{
    counters::Counters,
    database::Settings,
    latency::{Outcome, Recorder},
    load::{Load, Mode, shares},
    measure::{DatabaseFigures, Figures},
    workload::Workload,
};

const MIB: i64 = 1_048_576;

fn load() -> Load {
    let workload = Workload::new(10, 2, true);
    Load::new(workload, String::new(), Mode::Unary, shares(8, 2))
}

fn records(orders: usize) -> Recorder {
    let mut records = Recorder::new();
    for _ in 0..orders {
        records.record(Duration::from_millis(4), Outcome::Confirmed, 0);
    }
    records
}

fn counters() -> Counters {
    let calls = [
        "order.v1.OrderService",
        "inventory.v1.InventoryService",
        "payment.v1.PaymentService",
    ];
    let calls = calls.map(|service| format!("holdfast.{service}"));
    Counters {
        services: calls.clone().into(),
        calls: calls
            .map(|service| ((service, "Do".to_owned()), 50.0))
            .into(),
        batches: BTreeMap::from([("place".to_owned(), 10.0)]),
        rows: BTreeMap::from([("place".to_owned(), 100.0)]),
        cpu_seconds: 0.001,
        memory_bytes: 2.0 * 1_048_576.0,
    }
}

fn database(fsync: &str, warm_bytes: Option<i64>) -> DatabaseFigures {
    DatabaseFigures {
        settings: Settings(vec![("fsync".to_owned(), fsync.to_owned())]),
        commits: 40,
        wal_bytes: 100 * MIB,
        warm_bytes,
    }
}

fn figures() -> Figures {
    Figures {
        records: records(100),
        elapsed: Duration::from_secs(2),
        counters: Ok(counters()),
        postgres_seconds: Some(0.003),
        client_seconds: Some(0.0005),
        machine_seconds: Some(0.0045),
        database: Some(database("on", Some(200 * MIB))),
    }
}

#[test]
fn costs_are_told_by_the_order() {
    let results = Results::new(&load(), &figures());
    let near = |value: Option<f64>, expected: f64| (value.unwrap() - expected).abs() < 1e-9;
    assert!(near(Some(results.orders_per_second), 50.0));
    assert!(near(results.cpu_us_per_order.server, 10.0));
    assert!(near(results.cpu_us_per_order.postgres, 30.0));
    assert!(near(results.cpu_us_per_order.client, 5.0));
    assert!(near(results.others_cores, 0.0));
    assert!(near(results.rpcs_per_order, 1.5));
    assert!(near(results.batches_per_order, 0.1));
    assert!(near(results.commits_per_order, 0.4));
    assert!(near(Some(results.writers[0].rows_per_batch), 10.0));
    assert!(results.remarks.is_empty(), "{:?}", results.remarks);
    let text = results.to_string();
    assert!(text.contains("50 orders/s (100 in 2.0 s)"), "{text}");
    assert!(
        text.contains("server 10.0 µs, Postgres 30.0, client 5.0"),
        "{text}"
    );
}

#[test]
fn unsafe_settings_cold_wal_and_disturbance_are_marked() {
    let remarks = |figures: &Figures| Results::new(&load(), figures).remarks;
    let off = Figures {
        database: Some(database("off", Some(200 * MIB))),
        ..figures()
    };
    assert_eq!(remarks(&off), ["UNSAFE SETTINGS: fsync off"]);
    let cold = Figures {
        database: Some(database("on", Some(99 * MIB))),
        ..figures()
    };
    assert_eq!(
        remarks(&cold),
        ["COLD WAL: 100 MiB written, 99 MiB were warm"]
    );
    let dark = Figures {
        database: Some(database("on", None)),
        ..figures()
    };
    assert_eq!(
        remarks(&dark),
        ["whether the WAL was warm is not known to this role"]
    );
    let busy = Figures {
        machine_seconds: Some(1.0),
        ..figures()
    };
    assert!(remarks(&busy)[0].starts_with("DISTURBED: other processes kept 0.50 cores"));
    let mut short = figures();
    short
        .records
        .record(Duration::ZERO, Outcome::Refused("OUT_OF_STOCK"), 0);
    assert_eq!(remarks(&short), ["NOT ALL CONFIRMED: 1 orders were not"]);
}

#[test]
fn what_could_not_be_read_is_missing_and_said() {
    let blind = Figures {
        counters: Err("no metrics from x".to_owned()),
        postgres_seconds: None,
        database: None,
        ..figures()
    };
    let results = Results::new(&load(), &blind);
    let text = results.to_string();
    assert!(
        text.contains("server - µs, Postgres -, client 5.0; others - cores"),
        "{text}"
    );
    assert!(
        text.contains("! counters not read: no metrics from x"),
        "{text}"
    );
    assert!(text.contains("! settings and WAL not read"), "{text}");
    let mut half = counters();
    half.services
        .retain(|service| service.ends_with("OrderService"));
    let half = Figures {
        counters: Ok(half),
        ..figures()
    };
    let remarks = Results::new(&load(), &half).remarks;
    assert_eq!(
        remarks,
        ["no counters of InventoryService, PaymentService: name their side ports with --side"]
    );
}
