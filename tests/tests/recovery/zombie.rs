//! A process that pauses for longer than its lease, and one that is asked to stop.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use futures::future::{join_all, try_join_all};
use holdfast_proto::order::{Order, OrderState, PlaceOrderRequest};
use holdfast_tests::{
    cluster::{Cluster, Layout, Member},
    ledger::Ledger,
    orders::Orders,
    placement::{Placement, unique},
};

use crate::TURN;

const ORDERS: usize = 60;
const SOON: Duration = Duration::from_secs(15);

/// Orders of one customer that take a while to pay.
fn requests(customer: &str, sku: &str, token: &str) -> Vec<PlaceOrderRequest> {
    let order = || Placement::of(customer).line(sku, 1).token(token).request();
    (0..ORDERS).map(|_| order()).collect()
}

/// Waits until the customer has so many orders, and gives them.
async fn placed(orders: &Orders, customer: &str) -> anyhow::Result<Vec<Order>> {
    holdfast_tests::eventually::eventually("all orders are accepted", SOON, async || {
        let found = orders.of_customer(customer).await?;
        Ok((found.len() == ORDERS).then_some(found))
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_wakes_after_its_orders_were_taken_over_changes_nothing()
-> anyhow::Result<()> {
    let _turn = TURN.lock().await;
    let layout = Layout::split(2).with_lease(Duration::from_millis(1_200));
    let cluster = Cluster::start(layout).await?;
    let sku = cluster.warehouse()?.sku(1_000).await?;
    let (zombie, peer) = (cluster.orders_at(0)?, cluster.orders_at(1)?);
    let (customer, ledger) = (unique("customer"), Ledger::default());
    let requests = requests(&customer, &sku, "tok_slow_900");
    let calls: Vec<_> = requests
        .iter()
        .map(|request| {
            let (zombie, request) = (zombie.clone(), request.clone());
            tokio::spawn(async move { zombie.place(request).await })
        })
        .collect();
    let accepted = placed(&peer, &customer).await?;
    cluster.freeze(Member::Order(0))?;
    let pending = peer.of_customer(&customer).await?;
    let pending = pending
        .iter()
        .filter(|order| order.state() == OrderState::Pending)
        .count();
    ensure!(
        pending > 0,
        "it had decided everything before it was frozen"
    );

    // The peer decides all of them while the zombie stands still.
    let decided = accepted
        .iter()
        .map(|order| peer.decided(&order.order_id, SOON));
    let decided = try_join_all(decided).await?;
    cluster.thaw(Member::Order(0))?;

    // Its callers, who have waited all the time, get the decisions of the peer.
    for (request, call) in requests.iter().zip(join_all(calls).await) {
        let order = call??.order.context("an order")?;
        ledger.record(request, &order);
        let same = decided.iter().find(|it| it.order_id == order.order_id);
        assert_eq!(same.map(Order::state), Some(order.state()));
    }
    // And it goes on taking orders.
    let again = zombie
        .placed(Placement::of(&customer).line(&sku, 1))
        .await?;
    assert_eq!(again.state(), OrderState::Confirmed);
    let tally = ledger.check(&peer).await?;
    assert_eq!((tally.orders, tally.confirmed), (ORDERS, ORDERS + 1));
    cluster.finish().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_is_asked_to_stop_hands_its_orders_over_at_once() -> anyhow::Result<()> {
    // Nobody could take them over by waiting for this.
    const LEASE: Duration = Duration::from_secs(600);
    let _turn = TURN.lock().await;
    let mut cluster = Cluster::start(Layout::split(2).with_lease(LEASE)).await?;
    let sku = cluster.warehouse()?.sku(1_000).await?;
    let (leaving, staying) = (cluster.orders_at(0)?, cluster.orders_at(1)?);
    let (customer, ledger) = (unique("customer"), Ledger::default());
    let mut requests = requests(&customer, &sku, "tok_slow_2000");
    for request in &mut requests {
        request.wait_for = holdfast_proto::order::WaitFor::Accepted.into();
    }
    let accepted = requests
        .iter()
        .map(|request| leaving.placed(request.clone()));
    let accepted = try_join_all(accepted).await?;
    let status = cluster.stop(Member::Order(0)).await?;
    ensure!(
        status.success(),
        "it stopped with {status}\n{}",
        cluster.log(Member::Order(0))?
    );
    for (request, order) in requests.iter().zip(&accepted) {
        ledger.record(request, order);
        ledger.record(request, &staying.decided(&order.order_id, SOON).await?);
    }
    let tally = ledger.check(&staying).await?;
    assert_eq!((tally.orders, tally.confirmed), (ORDERS, ORDERS));
    cluster.finish().await
}
