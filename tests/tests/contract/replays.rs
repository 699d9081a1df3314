//! One key, one operation.

use anyhow::Context as _;
use futures::future::join_all;
use holdfast_proto::{
    inventory::{AdjustStockRequest, MovementReason, PutSkuRequest},
    order::{AdjustmentKind, OrderState, PlaceOrderRequest, Priority, WaitFor},
};
use holdfast_tests::{
    placement::{Placement, unique},
    refusal::told,
};
use tonic::Code;

use crate::CLUSTER;

#[tokio::test]
async fn the_same_key_and_body_give_the_same_order() -> anyhow::Result<()> {
    CLUSTER
        .run(async |cluster| {
            let orders = cluster.orders()?;
            let sku = cluster.warehouse()?.sku(5).await?;
            let placement = Placement::of(&unique("customer"))
                .line(&sku, 1)
                .pair("a", "b");
            let first = orders.place(placement.clone()).await?;
            assert!(!first.replayed);
            let again = orders.place(placement.clone()).await?;
            assert!(again.replayed);
            assert_eq!(again.order, first.order);
            // How it is served is no part of its body.
            let urgent = placement
                .priority(Priority::Low)
                .with(|r| r.wait_for = WaitFor::Accepted.into());
            let again = orders.place(urgent).await?;
            assert!(again.replayed);
            assert_eq!(again.order, first.order);
            assert_eq!(cluster.warehouse()?.stock(&sku).await?.reserved, 1);
            Ok(())
        })
        .await
}

#[tokio::test]
async fn a_recorded_refusal_is_repeated_for_ever() -> anyhow::Result<()> {
    CLUSTER
        .run(async |cluster| {
            let (orders, warehouse) = (cluster.orders()?, cluster.warehouse()?);
            let sku = warehouse.sku(0).await?;
            let placement = Placement::of(&unique("customer")).line(&sku, 1);
            let refused = orders.placed(placement.clone()).await?;
            assert_eq!(refused.state(), OrderState::Rejected);
            warehouse.receive(&sku, None, 5).await?;
            let again = orders.place(placement).await?;
            assert!(again.replayed);
            assert_eq!(again.order, Some(refused), "although there is stock by now");
            Ok(())
        })
        .await
}

#[tokio::test]
async fn another_body_under_a_key_is_refused_and_every_field_that_differs_is_named()
-> anyhow::Result<()> {
    type Change = fn(&mut PlaceOrderRequest);
    let changes: [(&str, Change); 9] = [
        ("lines[0].quantity", |r| r.lines[0].quantity = 2),
        ("lines[0].sku", |r| r.lines[0].sku = "another".into()),
        ("lines[0].unit_price", |r| {
            r.lines[0].unit_price = Some(holdfast_tests::placement::euros(101));
        }),
        ("lines[0].location_id", |r| {
            r.lines[0].location_id = Some("default".into())
        }),
        ("lines", |r| {
            let line = r.lines[0].clone();
            r.lines.push(line);
        }),
        ("payment_method", |r| {
            r.payment_method = "tok_decline".into()
        }),
        ("capture", |r| r.capture = 2),
        ("decide_within", |r| {
            r.decide_within = Some(prost_types::Duration {
                seconds: 30,
                nanos: 0,
            });
        }),
        ("metadata", |r| {
            r.metadata.insert("a".into(), "b".into());
        }),
    ];
    CLUSTER
        .run(async |cluster| {
            let orders = cluster.orders()?;
            let sku = cluster.warehouse()?.sku(5).await?;
            let placement = Placement::of(&unique("customer")).line(&sku, 1);
            let first = orders.placed(placement.clone()).await?;
            for (field, change) in changes {
                let status = orders.place(placement.clone().with(change)).await.err();
                let told = told(&status.with_context(|| format!("{field} was taken"))?);
                assert_eq!(told.code, Code::FailedPrecondition);
                assert_eq!(told.reason, "IDEMPOTENCY_KEY_REUSED");
                assert_eq!(told.fields, [field]);
            }
            let adjusted = placement.clone().adjusted(AdjustmentKind::Tax, 1);
            let both = adjusted.token("tok_decline");
            let status = orders.place(both).await.unwrap_err();
            assert_eq!(told(&status).fields, ["payment_method", "adjustments"]);
            let now = orders.reread(&first.order_id).await?;
            assert_eq!(now, first, "nothing changed");
            assert_eq!(cluster.warehouse()?.stock(&sku).await?.reserved, 1);
            Ok(())
        })
        .await
}

#[tokio::test]
async fn two_bodies_under_one_key_at_once_make_one_order() -> anyhow::Result<()> {
    CLUSTER
        .run(async |cluster| {
            let orders = cluster.orders()?;
            let sku = cluster.warehouse()?.sku(100).await?;
            let customer = unique("customer");
            let placement = Placement::of(&customer).line(&sku, 1);
            let body = |number: usize| placement.clone().pair("body", &(number % 2).to_string());
            let calls = (0..32).map(|number| {
                let (orders, body) = (orders.clone(), body(number));
                tokio::spawn(async move { orders.place(body).await })
            });
            let (mut answered, mut refused) = (Vec::new(), 0);
            for call in join_all(calls).await {
                match call? {
                    Ok(answer) => answered.push(answer),
                    Err(status) => {
                        assert_eq!(told(&status).fields, ["metadata"]);
                        refused += 1;
                    }
                }
            }
            assert_eq!((answered.len(), refused), (16, 16));
            assert_eq!(answered.iter().filter(|answer| !answer.replayed).count(), 1);
            assert_eq!(orders.of_customer(&customer).await?.len(), 1);
            assert_eq!(cluster.warehouse()?.stock(&sku).await?.reserved, 1);
            Ok(())
        })
        .await
}

#[tokio::test]
async fn keys_of_two_customers_are_two_keys() -> anyhow::Result<()> {
    CLUSTER
        .run(async |cluster| {
            let orders = cluster.orders()?;
            let sku = cluster.warehouse()?.sku(2).await?;
            let key = unique("key");
            let one = orders
                .place(Placement::of(&unique("one")).key(&key).line(&sku, 1))
                .await?;
            let two = orders
                .place(Placement::of(&unique("two")).key(&key).line(&sku, 2))
                .await?;
            assert!(!one.replayed && !two.replayed);
            Ok(())
        })
        .await
}

#[tokio::test]
async fn a_stock_change_happens_once_under_its_key() -> anyhow::Result<()> {
    CLUSTER
        .run(async |cluster| {
            let warehouse = cluster.warehouse()?;
            let sku = warehouse.sku(0).await?;
            let request = AdjustStockRequest {
                sku: sku.clone(),
                delta: 5,
                reason: MovementReason::Received.into(),
                request_id: unique("adjust"),
                ..AdjustStockRequest::default()
            };
            let calls = (0..64).map(|_| {
                let (warehouse, request) = (warehouse.clone(), request.clone());
                tokio::spawn(async move { warehouse.adjust(request).await })
            });
            let mut first = 0;
            for call in join_all(calls).await {
                let answer = call??;
                first += usize::from(!answer.replayed);
                assert_eq!(answer.level.context("a level")?.on_hand, 5);
            }
            assert_eq!(first, 1);
            assert_eq!(warehouse.stock(&sku).await?.on_hand, 5);
            let more = AdjustStockRequest {
                delta: 6,
                ..request
            };
            let status = warehouse.adjust(more).await.unwrap_err();
            assert_eq!(told(&status).reason, "IDEMPOTENCY_KEY_REUSED");
            assert_eq!(told(&status).fields, ["delta"]);
            Ok(())
        })
        .await
}

#[tokio::test]
async fn a_sku_is_put_once_under_its_key() -> anyhow::Result<()> {
    CLUSTER
        .run(async |cluster| {
            let mut client = cluster.warehouse()?.client();
            let request = PutSkuRequest {
                sku: unique("sku"),
                title: "Tea".into(),
                request_id: "put".into(),
                ..PutSkuRequest::default()
            };
            assert!(!client.put_sku(request.clone()).await?.into_inner().replayed);
            assert!(client.put_sku(request.clone()).await?.into_inner().replayed);
            let other = PutSkuRequest {
                title: "Coffee".into(),
                ..request
            };
            let status = client.put_sku(other).await.unwrap_err();
            assert_eq!(told(&status).reason, "IDEMPOTENCY_KEY_REUSED");
            assert_eq!(told(&status).fields, ["title"]);
            Ok(())
        })
        .await
}
