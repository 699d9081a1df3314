//! Two replicas of the order service; one is killed and stays dead.

use std::{
    fmt,
    time::{Duration, Instant},
};

use anyhow::ensure;
use futures::future::try_join_all;
use holdfast_proto::order::{OrderState, PlaceOrderRequest};

use crate::{
    cluster::{Cluster, Layout, Member},
    ledger::{Ledger, Tally},
    placement::{Placement, unique},
};

/// Beyond the lease, until every order of a dead replica is decided.
const BEYOND_LEASE: Duration = Duration::from_secs(5);
/// Slower than it takes to kill a replica, and than nothing else.
const SLOW: &str = "tok_slow_800";

/// What happened.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Orders that the dead replica left undecided.
    pub left: usize,
    /// From the kill until all of them were decided.
    pub took: Duration,
    /// What the callers were told.
    pub tally: Tally,
    /// The auditor's summary.
    pub audit: String,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Seen {
            left,
            took,
            tally,
            audit,
        } = self;
        write!(
            f,
            "{left} orders of a dead replica decided {:.1} s after its death, {} acknowledged, {} \
             confirmed; {audit}",
            took.as_secs_f64(),
            tally.orders,
            tally.confirmed,
        )
    }
}

/// Kills one of two replicas with `orders` orders in flight, and never starts it again.
///
/// # Errors
/// If an order is not decided within the lease + 5 s, or an invariant is broken.
pub async fn one_stays_dead(orders: usize, lease: Duration) -> anyhow::Result<Seen> {
    let mut cluster = Cluster::start(Layout::split(2).with_lease(lease)).await?;
    let sku = cluster.warehouse()?.sku(i64::try_from(orders)?).await?;
    let (doomed, survivor) = (cluster.orders_at(0)?, cluster.orders_at(1)?);
    let ledger = Ledger::default();
    let customer = unique("customer");
    let requests: Vec<PlaceOrderRequest> = (0..orders)
        .map(|_| {
            Placement::of(&customer)
                .line(&sku, 1)
                .token(SLOW)
                .accepted()
                .request()
        })
        .collect();
    let accepted = try_join_all(requests.iter().map(|it| doomed.placed(it.clone()))).await?;
    for (request, order) in requests.iter().zip(&accepted) {
        ledger.record(request, order);
    }

    cluster.kill(Member::Order(0)).await?;
    let killed = Instant::now();
    let left = survivor.of_customer(&customer).await?;
    let left = left
        .iter()
        .filter(|order| order.state() == OrderState::Pending)
        .count();
    ensure!(
        left > 0,
        "the replica had decided everything before it was killed"
    );
    let within = lease + BEYOND_LEASE;
    let decided = accepted
        .iter()
        .map(|order| survivor.decided(&order.order_id, within));
    for (request, order) in requests.iter().zip(try_join_all(decided).await?) {
        ledger.record(request, &order);
    }
    let took = killed.elapsed();
    ensure!(took <= within, "decided {took:?} after the kill");

    let audit = cluster.audit().await?;
    let tally = ledger.check(&survivor).await?;
    ensure!(
        tally.confirmed == orders,
        "{} of {orders} are confirmed",
        tally.confirmed
    );
    Ok(Seen {
        left,
        took,
        tally,
        audit,
    })
}
