//! Reads after Postgres was away.

use std::time::{Duration, Instant};

use futures::future::join_all;
use holdfast_tests::{
    cluster::{Cluster, Layout},
    placement::{Placement, unique},
};

use crate::TURN;

/// More than any service's pool has connections.
const READERS: usize = 16;
const SOON: Duration = Duration::from_secs(15);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_are_answered_as_soon_as_postgres_is_back() -> anyhow::Result<()> {
    let _turn = TURN.lock().await;
    let mut cluster = Cluster::start(Layout::all()).await?;
    let (orders, warehouse, payments) =
        (cluster.orders()?, cluster.warehouse()?, cluster.payments()?);
    let sku = warehouse.sku(2).await?;
    let placement = || Placement::of(&unique("customer")).line(&sku, 1);
    let order = orders.placed(placement()).await?;
    let id = &order.order_id;
    // Every pool is filled, so that each has connections that Postgres will have closed.
    let all = join_all((0..READERS).map(|_| orders.get(id))).await;
    let (stock, paid) = tokio::join!(
        join_all((0..READERS).map(|_| warehouse.stock(&sku))),
        join_all((0..READERS).map(|_| payments.get(id))),
    );
    assert!(all.iter().all(Result::is_ok) && paid.iter().all(Result::is_ok));
    assert!(stock.iter().all(Result::is_ok));

    cluster.postgres_mut().crash().await?;
    cluster.postgres_mut().restart().await?;
    let again = placement().request();
    orders
        .place_until_known(&again, Instant::now() + SOON, |_| {})
        .await?;
    for _ in 0..READERS {
        orders.get(id).await?;
        warehouse.stock(&sku).await?;
        payments.get(id).await?;
    }
    cluster.finish().await
}
