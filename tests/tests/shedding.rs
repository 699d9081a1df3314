//! More orders than a process carries.
//!
//! The rule: what is shed leaves nothing behind and is told when to come back; what is accepted is
//! decided.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use holdfast_proto::order::OrderState;
use holdfast_tests::{
    cluster::{Cluster, Layout},
    eventually::eventually,
    http,
    placement::{Placement, unique},
    refusal::told,
};
use tonic::Code;

/// Sagas that the process carries at once.
const WINDOW: usize = 8;
/// Accepted orders that may wait.
const BACKLOG: usize = 4;
const SOON: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_full_process_sheds_who_waits_and_keeps_what_it_accepts() -> anyhow::Result<()> {
    let layout = Layout::split(1)
        .with("HOLDFAST_SAGA_WINDOW", WINDOW)
        .with("HOLDFAST_BACKLOG_MAX", BACKLOG);
    let cluster = Cluster::start(layout).await?;
    let (orders, warehouse) = (cluster.orders()?, cluster.warehouse()?);
    let sku = warehouse.sku(1_000).await?;
    let customer = unique("customer");
    let slow = || {
        Placement::of(&customer)
            .line(&sku, 1)
            .token("tok_slow_4000")
            .accepted()
    };
    let mut accepted = Vec::new();
    for _ in 0..WINDOW {
        accepted.push(orders.placed(slow()).await?);
    }

    // Who waits for a decision is shed, and told when to come back in two ways.
    let waiting = Placement::of(&unique("waiting")).line(&sku, 1).request();
    let status = orders.place(waiting.clone()).await.unwrap_err();
    let shed = told(&status);
    assert_eq!(
        (shed.code, shed.reason.as_str()),
        (Code::ResourceExhausted, "OVERLOADED")
    );
    let delay = shed.retry_delay.context("a RetryInfo")?;
    assert_eq!(shed.pushback_ms, u64::try_from(delay.as_millis()).ok());
    assert_eq!(
        orders.of_customer(&waiting.customer_id).await?,
        [],
        "it bound nothing"
    );

    // Who does not wait is accepted, until too many are.
    for _ in 0..BACKLOG {
        accepted.push(orders.placed(slow()).await?);
    }
    let side = cluster.order_address(0).side;
    eventually("the backlog is counted", SOON, async || {
        let page = http::get(side, "/metrics").await?;
        let waiting = http::metric(&page.body, "holdfast_order_backlog_orders");
        Ok((waiting >= 4.0).then_some(()))
    })
    .await?;
    let full = told(&orders.place(slow()).await.unwrap_err());
    assert_eq!(
        (full.code, full.reason.as_str()),
        (Code::ResourceExhausted, "BACKLOG_FULL")
    );
    assert!(full.retry_delay.is_some());

    // The one that was shed gets its order by doing as it is told.
    let again = orders
        .place_until_known(&waiting, Instant::now() + SOON, |_| {})
        .await?;
    assert!(!again.replayed);
    let order = again.order.context("an order")?;
    assert_eq!(order.state(), OrderState::Confirmed);
    for order in accepted {
        let order = orders.decided(&order.order_id, SOON).await?;
        assert_eq!(order.state(), OrderState::Confirmed);
    }
    let placed = orders.of_customer(&customer).await?;
    assert_eq!(
        placed.len(),
        WINDOW + BACKLOG,
        "what was refused is not there"
    );
    cluster.finish().await
}
