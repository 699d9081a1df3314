//! Nothing is sold twice, however many ask at once.
//!
//! The rule: smaller forms of what the acceptance run goes through.

use holdfast_tests::{cluster::Layout, scenario::oversell, shared::Shared};

static CLUSTER: Shared = Shared::new(Layout::all);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hot_sku_is_sold_exactly_as_often_as_it_is_there() -> anyhow::Result<()> {
    CLUSTER
        .run(async |cluster| {
            let ended = oversell::one_sku(cluster, 1_000, 100).await?;
            assert_eq!((ended.confirmed, ended.out_of_stock), (100, 900));
            Ok(())
        })
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crossed_orders_neither_deadlock_nor_take_a_part() -> anyhow::Result<()> {
    CLUSTER
        .run(async |cluster| {
            let ended = oversell::crossed(cluster, 1_500, 64).await?;
            assert_eq!((ended.confirmed, ended.out_of_stock), (750, 750));
            Ok(())
        })
        .await
}
