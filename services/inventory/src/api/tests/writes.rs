//! Writes over gRPC: keys, refusals, what a restart remembers.

use holdfast_kit::refusal::Reason;
use holdfast_proto::inventory::allocation_result::Outcome;
use holdfast_proto::inventory::{
    AdjustStockRequest, AllocateItem, BatchAllocateRequest, ReservationState,
};

use super::{
    Service, adjust, allocate, database, fields, item, put, refusal, refused, release, rows, state,
};

#[tokio::test]
async fn stock_is_put_adjusted_allocated_and_released_and_a_restart_remembers() {
    let database = database().await;
    let mut service = Service::start(&database).await;
    let client = &mut service.client;
    let made = client
        .put_sku(put("mug", "p", "Mug"))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (made.sku.unwrap().title.as_str(), made.replayed),
        ("Mug", false)
    );
    client.adjust_stock(adjust("mug", "a", 3)).await.unwrap();
    let order = item("mug", 2);
    let answers = allocate(client, vec![order.clone(), item("mug", 2)]).await;
    assert_eq!(state(&answers[0]), (ReservationState::Allocated, false));
    let short = refusal(&answers[1]);
    assert_eq!(short.reason, Reason::OutOfStock);
    assert_eq!(
        (short.shortages[0].requested, short.shortages[0].available),
        (2, 1)
    );
    service.stop().await;

    let mut service = Service::start(&database).await;
    let client = &mut service.client;
    let again = client
        .put_sku(put("mug", "p", "Mug"))
        .await
        .unwrap()
        .into_inner();
    assert!(again.replayed);
    let again = allocate(client, vec![order.clone()]).await;
    assert_eq!(state(&again[0]), (ReservationState::Allocated, true));
    let level = client
        .adjust_stock(adjust("mug", "a", 3))
        .await
        .unwrap()
        .into_inner();
    assert!(level.replayed);
    let level = level.level.unwrap();
    assert_eq!((level.on_hand, level.reserved, level.available), (3, 2, 1));
    assert_eq!(
        state(&release(client, &order).await),
        (ReservationState::Released, false)
    );
    assert_eq!(
        state(&release(client, &order).await),
        (ReservationState::Released, true)
    );
    let unseen = item("mug", 1);
    assert_eq!(
        state(&release(client, &unseen).await),
        (ReservationState::Tombstoned, false)
    );
    let late = allocate(client, vec![order, unseen]).await;
    let barred = |outcome: &Outcome| match outcome {
        Outcome::Barred(barred) => barred.reason(),
        other => panic!("not barred: {other:?}"),
    };
    assert_eq!(barred(&late[0]), Reason::ReservationReleased);
    assert_eq!(barred(&late[1]), Reason::ReservationTombstoned);
    service.stop().await;
}

#[tokio::test]
async fn a_key_that_comes_with_another_body_names_the_fields() {
    let database = database().await;
    let mut service = Service::start(&database).await;
    let client = &mut service.client;
    client.put_sku(put("mug", "k", "Mug")).await.unwrap();
    client.adjust_stock(adjust("mug", "k", 3)).await.unwrap();
    let other = refused(client.put_sku(put("mug", "k", "Cup")).await);
    assert_eq!(
        (other.reason, fields(&other)),
        (Reason::IdempotencyKeyReused, vec!["title"])
    );
    let other = refused(client.adjust_stock(adjust("mug", "k", 4)).await);
    assert_eq!(
        (other.reason, fields(&other)),
        (Reason::IdempotencyKeyReused, vec!["delta"])
    );
    let order = item("mug", 1);
    let more = AllocateItem {
        lines: item("mug", 2).lines,
        ..order.clone()
    };
    let answers = allocate(client, vec![order, more]).await;
    let other = refusal(&answers[1]);
    assert_eq!(other.reason, Reason::IdempotencyKeyReused);
    assert_eq!(fields(&other), ["items[1].lines[0].quantity"]);
    service.stop().await;
}

#[tokio::test]
async fn what_is_malformed_is_named_and_leaves_no_row() {
    let database = database().await;
    let mut service = Service::start(&database).await;
    let client = &mut service.client;
    let nul = refused(client.put_sku(put("m\0g", "p", "\0")).await);
    assert_eq!(
        (nul.reason, fields(&nul)),
        (Reason::InvalidField, vec!["sku", "title"])
    );
    let unknown = AdjustStockRequest {
        reason: 77,
        ..adjust("mug", "a", 1)
    };
    assert_eq!(
        fields(&refused(client.adjust_stock(unknown).await)),
        ["reason"]
    );
    let delta = refused(client.adjust_stock(adjust("mug", "a", i64::MAX)).await);
    assert_eq!(fields(&delta), ["delta"]);
    let none = BatchAllocateRequest { items: Vec::new() };
    assert_eq!(
        fields(&refused(client.batch_allocate(none).await)),
        ["items"]
    );
    let many = BatchAllocateRequest {
        items: vec![item("mug", 1); 513],
    };
    assert_eq!(
        fields(&refused(client.batch_allocate(many).await)),
        ["items"]
    );
    let bad = AllocateItem {
        order_id: vec![1; 3].into(),
        ..item("mug", 0)
    };
    let answers = allocate(client, vec![bad]).await;
    assert_eq!(
        fields(&refusal(&answers[0])),
        ["items[0].order_id", "items[0].lines[0].quantity"]
    );
    assert_eq!(rows(&database).await, 0);
    service.stop().await;
}

#[tokio::test]
async fn a_bad_item_fails_alone() {
    let database = database().await;
    let mut service = Service::start(&database).await;
    let client = &mut service.client;
    client.put_sku(put("mug", "p", "Mug")).await.unwrap();
    client.adjust_stock(adjust("mug", "a", 10)).await.unwrap();
    let items = vec![
        item("mug", 1),
        item("mug", 0),
        item("nobody", 1),
        item("mug", 1),
    ];
    let answers = allocate(client, items).await;
    assert_eq!(state(&answers[0]), (ReservationState::Allocated, false));
    assert_eq!(
        fields(&refusal(&answers[1])),
        ["items[1].lines[0].quantity"]
    );
    let unknown = refusal(&answers[2]);
    assert_eq!(unknown.reason, Reason::UnknownSku);
    assert_eq!(unknown.metadata["skus"], "nobody");
    assert_eq!(state(&answers[3]), (ReservationState::Allocated, false));
    service.stop().await;
}
