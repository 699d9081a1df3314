//! Turn and finish: one of them wins, and the feed has no hole.

use holdfast_kit::refusal::Reason;
use saga_runtime::{Log, Logged};

use super::{Shop, entry};
use crate::domain::OrderState;

fn changed<T>(logged: &[Logged<T>]) -> Vec<bool> {
    logged
        .iter()
        .map(|logged| matches!(logged, Logged::Changed(_)))
        .collect()
}

#[tokio::test]
async fn a_finish_confirms_once_and_a_turn_comes_too_late() {
    let shop = Shop::open().await;
    let id = shop.new_order("r").await;
    assert_eq!(
        changed(&shop.log.finish(&[entry(id, 1, false, None)]).await),
        [true]
    );
    assert_eq!(
        changed(&shop.log.finish(&[entry(id, 1, false, None)]).await),
        [false]
    );
    let late = entry(id, 1, false, Some(Reason::TimedOut));
    assert_eq!(shop.log.turn(&[late]).await, [Logged::Stale]);
    let order = shop.order(id).await;
    assert_eq!((order.state, order.version), (OrderState::Confirmed, 2));
    assert_eq!(order.captured_minor_units, 500);
}

#[tokio::test]
async fn a_turned_order_ends_rejected_with_the_reason_of_its_turn() {
    let shop = Shop::open().await;
    let id = shop.new_order("r").await;
    let turn = entry(id, 1, false, Some(Reason::TimedOut));
    assert_eq!(shop.log.turn(&[turn]).await, [Logged::Changed(())]);
    assert_eq!(
        changed(&shop.log.finish(&[entry(id, 1, false, None)]).await),
        [false]
    );
    let end = entry(id, 1, true, Some(Reason::OutOfStock));
    assert_eq!(changed(&shop.log.finish(&[end]).await), [true]);
    let order = shop.order(id).await;
    assert_eq!(order.state, OrderState::Rejected);
    assert_eq!(order.rejection.unwrap().reason, Reason::TimedOut);
}

#[tokio::test]
async fn an_older_epoch_changes_nothing() {
    let shop = Shop::open().await;
    let id = shop.new_order("r").await;
    sqlx::query("update orders set epoch = 2")
        .execute(&shop.pool)
        .await
        .unwrap();
    assert_eq!(
        changed(&shop.log.finish(&[entry(id, 1, false, None)]).await),
        [false]
    );
    let turn = entry(id, 1, false, Some(Reason::TimedOut));
    assert_eq!(shop.log.turn(&[turn]).await, [Logged::Stale]);
}

#[tokio::test]
async fn positions_have_no_hole_and_an_orders_versions_ascend() {
    let shop = Shop::open().await;
    let mut entries = Vec::new();
    for number in 0..30 {
        entries.push(entry(
            shop.new_order(&format!("r{number}")).await,
            1,
            false,
            None,
        ));
    }
    for turned in &mut entries[..10] {
        turned.refusal = entry(turned.saga.order_id, 1, false, Some(Reason::TimedOut)).refusal;
    }
    shop.log.turn(&entries[..10]).await;
    for turned in &mut entries[..10] {
        turned.turned = true;
    }
    assert!(
        changed(&shop.log.finish(&entries).await)
            .into_iter()
            .all(|changed| changed)
    );
    assert!(
        changed(&shop.log.finish(&entries).await)
            .into_iter()
            .all(|changed| !changed)
    );
    assert_eq!(shop.count("select count(*) from order_history").await, 60);
    assert_eq!(
        shop.count("select max(position) from order_history").await,
        60
    );
    assert_eq!(
        shop.count("select last_position from feed_partitions")
            .await,
        60
    );
    let unordered = "select count(*) from order_history a join order_history b using (order_id)
        where a.version < b.version and a.position > b.position";
    assert_eq!(shop.count(unordered).await, 0);
}
