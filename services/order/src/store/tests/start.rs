//! Start: one key, one body, one order.

use std::time::Duration;

use holdfast_kit::id::OrderId;

use super::{Placed, Shop, placement};
use crate::domain::{OrderState, Placement};

#[tokio::test]
async fn what_was_placed_is_read_back_as_received() {
    let shop = Shop::open().await;
    let id = shop.new_order("r").await;
    let order = shop.order(id).await;
    assert_eq!(*order.placement, placement("c", "r"));
    assert_eq!((order.state, order.version), (OrderState::Pending, 1));
    assert_eq!(id.shard(), order.placement.shard());
}

#[tokio::test]
async fn duplicates_in_one_batch_are_one_order_and_another_body_is_told_apart() {
    let shop = Shop::open().await;
    let other = Placement {
        payment_method: "tok_other".into(),
        ..placement("c", "r")
    };
    let placed = shop
        .place(vec![
            placement("c", "r"),
            placement("c", "r"),
            other,
            placement("c", "s"),
        ])
        .await;
    let [
        Placed::New { id, .. },
        Placed::Existing(same),
        Placed::KeyReused { fields },
        last,
    ] = &placed[..]
    else {
        panic!("{placed:?}");
    };
    assert_eq!(same.id, *id);
    assert_eq!(fields, &["payment_method"]);
    assert!(matches!(last, Placed::New { .. }));
    assert_eq!(shop.count("select count(*) from orders").await, 2);
}

#[tokio::test]
async fn the_first_uses_of_a_key_by_64_callers_are_one_order() {
    let shop = Shop::open().await;
    let callers = (0..64).map(|_| shop.place(vec![placement("c", "r")]));
    let placed = futures::future::join_all(callers).await.concat();
    let new = placed
        .iter()
        .filter(|placed| matches!(placed, Placed::New { .. }))
        .count();
    assert_eq!(new, 1);
    assert_eq!(shop.count("select count(*) from orders").await, 1);
}

#[tokio::test]
async fn a_value_that_the_database_refuses_costs_its_own_order_only() {
    let shop = Shop::open().await;
    let mut bad = placement("c", "bad");
    bad.customer_id = "nul \0 byte".into();
    let items = [placement("c", "a"), bad, placement("c", "b")].map(|placement| super::PlaceItem {
        placement: std::sync::Arc::new(placement),
        carrier: super::Carrier::Here,
        verdict: None,
        trace: None,
    });
    let placed = shop.place.submit_all(items.into()).await;
    assert!(placed[0].is_ok() && placed[2].is_ok());
    assert!(
        matches!(placed[1], Err(saga_batch::WriteError::Rejected { .. })),
        "{:?}",
        placed[1]
    );
    assert_eq!(shop.count("select count(*) from orders").await, 2);
}

#[tokio::test]
async fn a_row_that_cannot_be_read_costs_its_own_order_only() {
    let shop = Shop::open().await;
    let spoilt = shop.new_order("spoilt").await;
    shop.new_order("whole").await;
    sqlx::query("update orders set lines = '7' where order_id = $1")
        .bind(spoilt.as_uuid())
        .execute(&shop.pool)
        .await
        .unwrap();
    let placed = shop
        .place(vec![placement("c", "spoilt"), placement("c", "whole")])
        .await;
    assert!(
        matches!(placed[..], [Placed::Unreadable, Placed::Existing(_)]),
        "{placed:?}"
    );
}

#[tokio::test]
async fn a_replay_carries_on_what_was_started_here_and_leaves_what_waits_for_an_operator() {
    let shop = Shop::open().await;
    let window = shop.runner.room();
    // Rows of this process that it does not carry, as after an insert whose answer was lost.
    for request in ["lost", "parked"] {
        let item = super::PlaceItem {
            placement: std::sync::Arc::new(placement("c", request)),
            carrier: super::Carrier::Anyone,
            verdict: None,
            trace: None,
        };
        shop.place.submit(item).await.unwrap();
    }
    sqlx::query("update orders set runner = $1, halt = case request_id when 'parked' then 2 end")
        .bind(shop.runner.id().0)
        .execute(&shop.pool)
        .await
        .unwrap();
    shop.place(vec![placement("c", "parked")]).await;
    assert_eq!(shop.runner.room(), window);
    shop.place(vec![placement("c", "lost")]).await;
    assert_eq!(shop.runner.room(), window - 1);
}

#[tokio::test]
async fn a_repeat_of_a_key_that_is_long_in_being_committed_is_told_what_is_there() {
    let shop = Shop::open().await;
    let mut first = shop.pool.begin().await.unwrap();
    let shard = placement("c", "r").shard();
    let insert = "insert into orders (shard, order_id, customer_id, request_id, state, version,
            currency_code, total_minor_units, lines, payment_method, capture, priority,
            create_time, update_time, definition_version, deadline, epoch)
        values ($1, $2, 'c', 'r', 1, 1, 'EUR', 0, '[]', '', 1, 1, now(), now(), 1, now(), 1)";
    sqlx::query(insert)
        .bind(shard.get())
        .bind(OrderId::generate(shard).as_uuid())
        .execute(&mut *first)
        .await
        .unwrap();
    let (placed, committed) = tokio::join!(shop.place(vec![placement("c", "r")]), async {
        // The repeat waits for its lock more often than a batch may be overtaken.
        tokio::time::sleep(Duration::from_millis(900)).await;
        first.commit().await
    });
    committed.unwrap();
    assert!(
        matches!(placed[..], [Placed::KeyReused { .. }]),
        "{placed:?}"
    );
}

#[tokio::test]
async fn repeats_among_first_uses_are_told_apart_in_batch_after_batch() {
    let shop = Shop::open().await;
    let old = shop.new_order("old").await;
    // The first such batch presumes its keys to be new and is wrong; the others look first.
    for round in 0..3 {
        let new = format!("new{round}");
        let batch = vec![
            placement("c", &new),
            placement("c", "old"),
            placement("d", &new),
            placement("c", &new),
        ];
        let placed = shop.place(batch).await;
        let [
            Placed::New { id, .. },
            Placed::Existing(before),
            Placed::New { .. },
            Placed::Existing(same),
        ] = &placed[..]
        else {
            panic!("{placed:?}");
        };
        assert_eq!((before.id, same.id), (old, *id));
    }
    assert_eq!(shop.count("select count(*) from orders").await, 7);
}
