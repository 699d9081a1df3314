//! One key over several processes, and over a restart of all of them.
//!
//! The rule: whoever asks, whenever and wherever, gets the one order that the key has.

use std::collections::HashSet;

use anyhow::Context as _;
use futures::future::join_all;
use holdfast_postgres::Database;
use holdfast_proto::order::{Order, OrderState};
use holdfast_tests::{
    cluster::{Cluster, Layout, Member},
    payments::moved,
    placement::{Placement, UNIT_PRICE, unique},
    shared::Shared,
};
use sqlx::Row as _;

static CLUSTER: Shared = Shared::new(|| Layout::split(2));

/// Callers that use one key at once.
const CALLERS: usize = 64;

/// Places one order by as many callers at once, over both replicas; gives each answer's order, and
/// how many were told that the key is new.
async fn at_once(cluster: &Cluster, placement: &Placement) -> anyhow::Result<(Vec<Order>, usize)> {
    let replicas = [cluster.orders_at(0)?, cluster.orders_at(1)?];
    // Both are connected before the race begins.
    for replica in &replicas {
        replica.of_customer("nobody").await?;
    }
    let calls = (0..CALLERS).map(|caller| {
        let (orders, placement) = (replicas[caller % replicas.len()].clone(), placement.clone());
        tokio::spawn(async move { orders.place(placement).await })
    });
    let (mut orders, mut new) = (Vec::new(), 0);
    for call in join_all(calls).await {
        let answer = call??;
        new += usize::from(!answer.replayed);
        orders.push(answer.order.context("an order")?);
    }
    Ok((orders, new))
}

/// Rows that the key has: orders, allocations and payments.
async fn rows(cluster: &Cluster, key: &str, order_id: &str) -> anyhow::Result<(i64, i64, i64)> {
    let mut order = cluster.database(Database::Order).await?;
    let orders = "-- tests: orders of a key
        select count(*) as orders from orders o where o.request_id = $1";
    let orders = sqlx::query(orders).bind(key).fetch_one(&mut order).await?;
    let mut inventory = cluster.database(Database::Inventory).await?;
    let allocations = "-- tests: allocations of an order
        select count(*) as allocations from allocations a where a.order_id = $1::uuid";
    let allocations = sqlx::query(allocations)
        .bind(order_id)
        .fetch_one(&mut inventory)
        .await?;
    let mut payment = cluster.database(Database::Payment).await?;
    let payments = "-- tests: payments of an order
        select count(*) as payments from payments p where p.payment_id = $1::uuid";
    let payments = sqlx::query(payments)
        .bind(order_id)
        .fetch_one(&mut payment)
        .await?;
    Ok((
        orders.get("orders"),
        allocations.get("allocations"),
        payments.get("payments"),
    ))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_of_two_replicas_at_once_get_one_order_and_one_decision() -> anyhow::Result<()> {
    CLUSTER
        .run(async |cluster| {
            for token in ["tok_ok", "tok_slow_300", "tok_decline"] {
                let sku = cluster.warehouse()?.sku(CALLERS.try_into()?).await?;
                let key = unique("key");
                let customer = unique("customer");
                let placement = Placement::of(&customer)
                    .key(&key)
                    .line(&sku, 1)
                    .token(token);
                let (orders, new) = at_once(cluster, &placement).await?;
                assert_eq!(new, 1, "{token}");
                let one = &orders[0];
                assert!(
                    orders.iter().all(|order| order == one),
                    "{token}: several answers"
                );
                assert_ne!(one.state(), OrderState::Pending);
                let confirmed = one.state() == OrderState::Confirmed;
                assert_eq!(confirmed, token != "tok_decline");
                assert_eq!(
                    rows(cluster, &key, &one.order_id).await?,
                    (1, 1, 1),
                    "{token}"
                );
                let reserved = cluster.warehouse()?.stock(&sku).await?.reserved;
                assert_eq!(reserved, i64::from(confirmed), "{token}");
                let mut provider = cluster.database(Database::Provider).await?;
                let net = moved(&mut provider, &one.order_id).await?.net;
                assert_eq!(net, if confirmed { UNIT_PRICE } else { 0 }, "{token}");
            }
            Ok(())
        })
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn opposite_orders_of_keys_at_two_replicas_make_each_order_once() -> anyhow::Result<()> {
    const KEYS: usize = 300;
    CLUSTER
        .run(async |cluster| {
            let sku = cluster.warehouse()?.sku(KEYS.try_into()?).await?;
            let customer = unique("customer");
            let keys: Vec<_> = (0..KEYS).map(|_| unique("key")).collect();
            let replicas = [cluster.orders_at(0)?, cluster.orders_at(1)?];
            let mut calls = Vec::new();
            for index in 0..KEYS {
                for (replica, key) in [(0, &keys[index]), (1, &keys[KEYS - 1 - index])] {
                    let placement = Placement::of(&customer).key(key).line(&sku, 1);
                    let orders = replicas[replica].clone();
                    calls.push(tokio::spawn(async move { orders.place(placement).await }));
                }
            }
            let (mut ids, mut new) = (HashSet::new(), 0);
            for call in join_all(calls).await {
                let answer = call??;
                new += usize::from(!answer.replayed);
                ids.insert(answer.order.context("an order")?.order_id);
            }
            assert_eq!((ids.len(), new), (KEYS, KEYS));
            let reserved = cluster.warehouse()?.stock(&sku).await?.reserved;
            assert_eq!(usize::try_from(reserved)?, KEYS);
            Ok(())
        })
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_means_its_order_after_every_process_was_restarted() -> anyhow::Result<()> {
    let mut cluster = Cluster::start(Layout::split(1)).await?;
    let sku = cluster.warehouse()?.sku(2).await?;
    let customer = unique("customer");
    let tokens = ["tok_ok", "tok_decline", "tok_lost_reply"];
    let placements = tokens.map(|token| Placement::of(&customer).line(&sku, 1).token(token));
    let mut placed = Vec::new();
    for placement in &placements {
        placed.push(cluster.orders()?.placed(placement.clone()).await?);
    }
    for member in [Member::Order(0), Member::Payment, Member::Inventory] {
        cluster.kill(member).await?;
    }
    for member in [Member::Inventory, Member::Payment, Member::Order(0)] {
        cluster.restart(member).await?;
    }
    for (placement, order) in placements.iter().zip(placed) {
        let again = cluster.orders()?.place(placement.clone()).await?;
        assert!(again.replayed);
        assert_eq!(again.order, Some(order));
    }
    assert_eq!(cluster.warehouse()?.stock(&sku).await?.reserved, 2);
    cluster.finish().await
}
