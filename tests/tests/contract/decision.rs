//! When an order must be decided, and when a caller must be answered.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use holdfast_postgres::Database;
use holdfast_proto::{order::OrderState, payment::PaymentState, types::ErrorReason};
use holdfast_tests::{
    payments::{Moved, moved},
    placement::{Placement, UNIT_PRICE, unique},
    refusal::{is_unknown, told},
    wire,
};
use tonic::{Code, Status};

use crate::CLUSTER;

const PLACE_ORDER: &str = "/holdfast.order.v1.OrderService/PlaceOrder";

#[tokio::test]
async fn an_order_that_is_not_decided_in_time_is_refunded_once_and_its_stock_is_back()
-> anyhow::Result<()> {
    CLUSTER
        .run(async |cluster| {
            let (orders, warehouse) = (cluster.orders()?, cluster.warehouse()?);
            let sku = warehouse.sku(2).await?;
            let placement = Placement::of(&unique("customer"))
                .line(&sku, 2)
                .token("tok_slow_2500")
                .within(Duration::from_secs(1));
            let started = Instant::now();
            let order = orders.placed(placement).await?;
            assert!(
                started.elapsed() >= Duration::from_secs(2),
                "its charge was in flight"
            );
            assert_eq!(order.state(), OrderState::Rejected);
            assert_eq!(order.version, 2, "accepted, then rejected");
            let rejection = order.rejection.context("a rejection")?;
            assert_eq!(rejection.reason(), ErrorReason::TimedOut);
            assert_eq!(order.captured_amount.map(|it| it.minor_units), Some(0));

            let stock = warehouse.stock(&sku).await?;
            assert_eq!((stock.reserved, stock.available), (0, 2));
            let payment = cluster.payments()?.get(&order.order_id).await?;
            assert_eq!(payment.state(), PaymentState::Refunded);
            let mut provider = cluster.database(Database::Provider).await?;
            let back = Moved {
                charges: 1,
                refunds: 1,
                ..Moved::default()
            };
            assert_eq!(moved(&mut provider, &order.order_id).await?, back);
            Ok(())
        })
        .await
}

#[tokio::test]
async fn an_authorization_that_comes_too_late_is_voided() -> anyhow::Result<()> {
    CLUSTER
        .run(async |cluster| {
            let sku = cluster.warehouse()?.sku(1).await?;
            let placement = Placement::of(&unique("customer"))
                .line(&sku, 1)
                .token("tok_slow_1800")
                .on_fulfillment()
                .within(Duration::from_secs(1));
            let order = cluster.orders()?.placed(placement).await?;
            assert_eq!(order.state(), OrderState::Rejected);
            let mut provider = cluster.database(Database::Provider).await?;
            let set_free = Moved {
                authorizations: 1,
                voids: 1,
                ..Moved::default()
            };
            assert_eq!(moved(&mut provider, &order.order_id).await?, set_free);
            let payment = cluster.payments()?.get(&order.order_id).await?;
            assert_eq!(payment.state(), PaymentState::Voided);
            Ok(())
        })
        .await
}

#[tokio::test]
async fn a_call_whose_deadline_is_past_writes_nothing() -> anyhow::Result<()> {
    CLUSTER
        .run(async |cluster| {
            let sku = cluster.warehouse()?.sku(1).await?;
            let customer = unique("customer");
            let placement = Placement::of(&customer).line(&sku, 1);
            let address = cluster.order_address(0).grpc;
            let call = async |timeout: &str| -> anyhow::Result<Status> {
                let headers = [("grpc-timeout", timeout)];
                wire::call(address, PLACE_ORDER, &headers, &placement.clone().request()).await
            };
            let status = call("0n").await?;
            assert_eq!(status.code(), Code::DeadlineExceeded);
            assert_eq!(told(&status).reason, "DEADLINE_PAST");
            assert_eq!(cluster.orders()?.of_customer(&customer).await?, []);

            let status = call("soon").await?;
            assert_eq!(told(&status).reason, "INVALID_FIELD");
            assert_eq!(cluster.orders()?.of_customer(&customer).await?, []);
            assert_eq!(
                call("20S").await?.code(),
                Code::Ok,
                "the key was bound by neither"
            );
            assert_eq!(cluster.orders()?.of_customer(&customer).await?.len(), 1);
            Ok(())
        })
        .await
}

#[tokio::test]
async fn a_deadline_before_the_decision_leaves_the_answer_open_and_the_order_running()
-> anyhow::Result<()> {
    CLUSTER
        .run(async |cluster| {
            let sku = cluster.warehouse()?.sku(1).await?;
            let placement = Placement::of(&unique("customer"))
                .line(&sku, 1)
                .token("tok_slow_700");
            let address = cluster.order_address(0).grpc;
            let request = placement.clone().request();
            let headers = [("grpc-timeout", "200m")];
            let status = wire::call(address, PLACE_ORDER, &headers, &request).await?;
            assert_eq!(status.code(), Code::DeadlineExceeded);
            assert_eq!(told(&status).reason, "ANSWER_PENDING");
            assert!(is_unknown(&status));

            let answer = cluster.orders()?.place(placement).await?;
            assert!(answer.replayed);
            let order = answer.order.context("an order")?;
            assert_eq!(order.state(), OrderState::Confirmed);
            assert_eq!(
                order.captured_amount.map(|it| it.minor_units),
                Some(UNIT_PRICE)
            );
            Ok(())
        })
        .await
}
