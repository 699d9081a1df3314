//! An order is charged, nobody carries it until its time is up, and it is turned.

use std::time::Duration;

use anyhow::Context as _;
use holdfast_postgres::Database;
use holdfast_proto::{order::OrderState, types::ErrorReason};
use holdfast_tests::{
    cluster::{Cluster, Layout, Member},
    eventually::eventually,
    payments::{Moved, moved},
    placement::{Placement, UNIT_PRICE, unique},
};
use sqlx::{Connection as _, PgConnection};

use crate::TURN;

const SOON: Duration = Duration::from_secs(15);

/// Waits until the provider has taken the money of an order.
async fn charged(provider: &mut PgConnection, order_id: &str) -> anyhow::Result<()> {
    eventually("the order is charged", SOON, async || {
        let taken = moved(provider, order_id).await?.net == UNIT_PRICE;
        Ok(taken.then_some(()))
    })
    .await
}

/// Waits until the order's time for a decision is up, by the database's clock.
async fn time_is_up(order: &mut PgConnection, order_id: &str) -> anyhow::Result<()> {
    eventually("the order's time is up", SOON, async || {
        let late = "-- tests: is an order late
            select clock_timestamp() > o.create_time + interval '1 second' as late
            from orders o
            where o.order_id = $1::uuid";
        let late: bool = sqlx::query_scalar(late)
            .bind(order_id)
            .fetch_one(&mut *order)
            .await?;
        Ok(late.then_some(()))
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_charged_by_a_process_that_died_is_refunded_once_by_the_next() -> anyhow::Result<()>
{
    let _turn = TURN.lock().await;
    let layout = Layout::split(1).with_lease(Duration::from_millis(900));
    let mut cluster = Cluster::start(layout).await?;
    let sku = cluster.warehouse()?.sku(1).await?;
    let mut order_database = cluster.database(Database::Order).await?;
    let mut provider = cluster.database(Database::Provider).await?;

    // While this is locked an order can be accepted and charged, and not decided.
    let mut blocker = cluster.database(Database::Order).await?;
    let mut lock = blocker.begin().await?;
    sqlx::query("lock table feed_partitions in access exclusive mode")
        .execute(&mut *lock)
        .await?;

    let placement = Placement::of(&unique("customer"))
        .line(&sku, 1)
        .token("tok_refund_error_3_then_ok")
        .within(Duration::from_secs(1))
        .accepted();
    let order = cluster.orders()?.placed(placement.clone()).await?;
    charged(&mut provider, &order.order_id).await?;
    cluster.kill(Member::Order(0)).await?;
    time_is_up(&mut order_database, &order.order_id).await?;
    lock.rollback().await?;
    let undecided = "-- tests: state of an order
        select o.state from orders o where o.order_id = $1::uuid";
    let state: i16 = sqlx::query_scalar(undecided)
        .bind(&order.order_id)
        .fetch_one(&mut order_database)
        .await?;
    assert_eq!(state, 1, "it was decided before the process died");

    cluster.restart(Member::Order(0)).await?;
    let order = cluster.orders()?.decided(&order.order_id, SOON).await?;
    assert_eq!(order.state(), OrderState::Rejected);
    let rejection = order.rejection.as_ref().context("a rejection")?;
    assert_eq!(rejection.reason(), ErrorReason::TimedOut);
    assert_eq!(
        order.captured_amount.as_ref().map(|it| it.minor_units),
        Some(0)
    );
    let back = Moved {
        charges: 1,
        refunds: 1,
        ..Moved::default()
    };
    assert_eq!(moved(&mut provider, &order.order_id).await?, back);
    assert_eq!(cluster.warehouse()?.stock(&sku).await?.available, 1);
    let again = cluster.orders()?.place(placement).await?;
    assert!(again.replayed);
    assert_eq!(again.order, Some(order));
    cluster.finish().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_wait_for_a_participant_that_is_away_and_go_on_when_it_is_back() -> anyhow::Result<()>
{
    let _turn = TURN.lock().await;
    let mut cluster = Cluster::start(Layout::split(1)).await?;
    let (orders, warehouse) = (cluster.orders()?, cluster.warehouse()?);
    let sku = warehouse.sku(2).await?;
    let customer = unique("customer");

    cluster.kill(Member::Payment).await?;
    let waiting = orders
        .placed(Placement::of(&customer).line(&sku, 1).accepted())
        .await?;
    let hurried = Placement::of(&customer)
        .line(&sku, 1)
        .within(Duration::from_secs(1))
        .accepted();
    let hurried = orders.placed(hurried).await?;
    time_is_up(
        &mut cluster.database(Database::Order).await?,
        &hurried.order_id,
    )
    .await?;
    for order in [&waiting, &hurried] {
        let order = orders.get(&order.order_id).await?;
        assert_eq!(
            order.state(),
            OrderState::Pending,
            "undone means that payment has said so"
        );
    }
    cluster.restart(Member::Payment).await?;
    let waiting = orders.decided(&waiting.order_id, SOON).await?;
    assert_eq!(waiting.state(), OrderState::Confirmed);
    let hurried = orders.decided(&hurried.order_id, SOON).await?;
    assert_eq!(hurried.state(), OrderState::Rejected);
    let stock = warehouse.stock(&sku).await?;
    assert_eq!((stock.reserved, stock.available), (1, 1));
    let mut provider = cluster.database(Database::Provider).await?;
    let nothing = Moved::default();
    assert_eq!(
        moved(&mut provider, &hurried.order_id).await?,
        nothing,
        "it was never charged"
    );
    cluster.finish().await
}
