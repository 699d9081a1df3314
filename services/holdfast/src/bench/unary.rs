//! Orders by a call each.
//!
//! The rule: a call whose answer is not known is made again with the same order.

use std::{sync::Arc, time::Instant};

use holdfast::client::{Backoff, again_after};
use holdfast_proto::order::PlaceOrderRequest;
use tokio::task::JoinSet;

use super::{
    latency::Outcome,
    load::{Load, PATIENCE, Records},
    wire::{Caller, Wire},
};

/// Starts one task for each order in flight on a connection.
pub(super) async fn start(
    load: &Arc<Load>,
    records: &Records,
    wire: Arc<Wire>,
    share: usize,
    tasks: &mut JoinSet<anyhow::Result<()>>,
) {
    for _ in 0..share {
        let (load, records) = (Arc::clone(load), records.clone());
        let mut caller = wire.caller().await;
        tasks.spawn(async move {
            let mut order = PlaceOrderRequest::default();
            while let Some(number) = load.next() {
                let begun = Instant::now();
                load.workload().write(number, &mut order);
                let (outcome, retries) = place(&mut caller, &order, number).await;
                records.ended(&load, begun, outcome, retries);
            }
            Ok(())
        });
    }
}

async fn place(caller: &mut Caller, order: &PlaceOrderRequest, seed: u64) -> (Outcome, u32) {
    let mut retries = 0;
    // Made when it is needed, which is hardly ever.
    let mut trouble: Option<(Instant, Backoff)> = None;
    loop {
        let error = match caller.place(order).await {
            Ok(outcome) => return (outcome, retries),
            Err(error) => error,
        };
        let (since, backoff) = trouble.get_or_insert_with(|| (Instant::now(), Backoff::new(seed)));
        match again_after(&error, backoff) {
            Some(pause) if since.elapsed() + pause < PATIENCE => tokio::time::sleep(pause).await,
            _ => return (Outcome::from(&error), retries),
        }
        retries += 1;
    }
}
