//! CancelOrder: running, confirmed, ended and never seen.

use std::time::Duration;

use anyhow::Context as _;
use holdfast_postgres::Database;
use holdfast_proto::order::{CancelOrderRequest, Order, OrderState};
use holdfast_tests::{
    eventually::eventually,
    payments::{Moved, moved},
    placement::{Placement, UNIT_PRICE, euros, unique},
    refusal::told,
    scenario::cancel,
};
use tonic::Code;

use crate::CLUSTER;

const SOON: Duration = Duration::from_secs(10);

fn cancel(order: &Order) -> CancelOrderRequest {
    CancelOrderRequest {
        order_id: order.order_id.clone(),
        request_id: "cancel".to_owned(),
        reason: "changed my mind".to_owned(),
        ..CancelOrderRequest::default()
    }
}

#[tokio::test]
async fn a_confirmed_order_is_told_about_then_refunded_and_released() -> anyhow::Result<()> {
    CLUSTER
        .run(async |cluster| {
            let (orders, warehouse) = (cluster.orders()?, cluster.warehouse()?);
            let sku = warehouse.sku(5).await?;
            let placement = Placement::of(&unique("customer")).line(&sku, 2);
            let placed = orders.placed(placement.clone()).await?;
            let shown = orders.get(&placed.order_id).await?.cancellable;
            let plan = shown.clone().context("it can be cancelled")?;
            assert_eq!(plan.version, 2);
            assert_eq!(plan.void_amount, Some(euros(0)));
            assert_eq!(plan.refund_amount, Some(euros(2 * UNIT_PRICE)));
            assert_eq!(plan.release_lines, placed.allocations);

            let dry = CancelOrderRequest {
                dry_run: true,
                request_id: String::new(),
                ..cancel(&placed)
            };
            let told_of = orders.cancel(dry).await?;
            assert_eq!(told_of.plan, shown);
            assert_eq!(told_of.order, Some(placed.clone()));

            let exact = CancelOrderRequest {
                expected_version: Some(plan.version),
                ..cancel(&placed)
            };
            let done = orders.cancel(exact.clone()).await?;
            assert_eq!((done.plan, done.replayed), (shown.clone(), false));
            let order = done.order.context("an order")?;
            assert_eq!((order.state(), order.version), (OrderState::Cancelled, 4));
            assert_eq!(order.refunded_total, Some(euros(2 * UNIT_PRICE)));
            assert_eq!(order.cancel_reason, "changed my mind");
            assert_eq!(warehouse.stock(&sku).await?.available, 5);
            let mut provider = cluster.database(Database::Provider).await?;
            let back = Moved {
                charges: 1,
                refunds: 1,
                ..Moved::default()
            };
            assert_eq!(moved(&mut provider, &order.order_id).await?, back);

            let again = orders.cancel(exact).await?;
            assert_eq!((again.plan, again.replayed), (shown, true));
            let other = orders.cancel(cancel(&placed)).await.unwrap_err();
            assert_eq!(told(&other).reason, "IDEMPOTENCY_KEY_REUSED");
            let replay = orders.place(placement).await?;
            assert_eq!(
                replay.order.map(|order| order.state()),
                Some(OrderState::Cancelled)
            );
            Ok(())
        })
        .await
}

#[tokio::test]
async fn an_order_that_is_paid_on_fulfilment_is_voided() -> anyhow::Result<()> {
    CLUSTER
        .run(async |cluster| {
            let (orders, warehouse) = (cluster.orders()?, cluster.warehouse()?);
            let sku = warehouse.sku(5).await?;
            let placement = Placement::of(&unique("customer")).line(&sku, 1);
            let placed = orders.placed(placement.on_fulfillment()).await?;
            let done = orders.cancel(cancel(&placed)).await?;
            let plan = done.plan.context("a plan")?;
            assert_eq!(plan.void_amount, Some(euros(UNIT_PRICE)));
            let mut provider = cluster.database(Database::Provider).await?;
            let back = Moved {
                authorizations: 1,
                voids: 1,
                ..Moved::default()
            };
            assert_eq!(moved(&mut provider, &placed.order_id).await?, back);
            Ok(())
        })
        .await
}

#[tokio::test]
async fn a_running_order_is_turned_and_its_late_charge_is_returned() -> anyhow::Result<()> {
    CLUSTER
        .run(async |cluster| {
            let (orders, warehouse) = (cluster.orders()?, cluster.warehouse()?);
            let sku = warehouse.sku(5).await?;
            let placement = Placement::of(&unique("customer"))
                .line(&sku, 1)
                .token("tok_slow_1500")
                .accepted();
            let accepted = orders.placed(placement).await?;
            assert_eq!(accepted.state(), OrderState::Pending);
            eventually("its stock is allocated", SOON, async || {
                Ok((warehouse.stock(&sku).await?.reserved == 1).then_some(()))
            })
            .await?;
            let done = orders.cancel(cancel(&accepted)).await?;
            let plan = done.plan.context("a plan")?;
            assert_eq!((plan.version, plan.refund_amount), (1, None));
            let order = done.order.context("an order")?;
            assert_eq!((order.state(), order.version), (OrderState::Cancelled, 3));
            assert_eq!(order.rejection, None);
            assert_eq!(warehouse.stock(&sku).await?.reserved, 0);
            let mut provider = cluster.database(Database::Provider).await?;
            assert_eq!(moved(&mut provider, &order.order_id).await?.net, 0);
            Ok(())
        })
        .await
}

#[tokio::test]
async fn a_placement_that_was_cancelled_first_comes_back_cancelled() -> anyhow::Result<()> {
    CLUSTER
        .run(async |cluster| {
            let (orders, warehouse) = (cluster.orders()?, cluster.warehouse()?);
            let sku = warehouse.sku(5).await?;
            let placement = Placement::of(&unique("customer")).line(&sku, 1).key("late");
            let request = placement.request();
            let by_key = CancelOrderRequest {
                customer_id: request.customer_id.clone(),
                placement_request_id: "late".to_owned(),
                request_id: "cancel".to_owned(),
                ..CancelOrderRequest::default()
            };
            let dry = CancelOrderRequest {
                dry_run: true,
                ..by_key.clone()
            };
            let unseen = told(&orders.cancel(dry).await.unwrap_err());
            assert_eq!(unseen.reason, "ORDER_NOT_FOUND");
            let done = orders.cancel(by_key).await?;
            assert_eq!(done.plan, None);
            let tombstone = done.order.context("an order")?;
            assert_eq!(
                (tombstone.state(), tombstone.version),
                (OrderState::Cancelled, 1)
            );
            assert_eq!(
                (tombstone.total_amount.clone(), tombstone.lines.len()),
                (None, 0)
            );
            let late = orders.place(request).await?;
            assert_eq!((late.order, late.replayed), (Some(tombstone), true));
            assert_eq!(warehouse.stock(&sku).await?.reserved, 0);
            Ok(())
        })
        .await
}

#[tokio::test]
async fn an_ended_order_is_answered_as_it_is_and_a_stale_page_refused() -> anyhow::Result<()> {
    CLUSTER
        .run(async |cluster| {
            let (orders, warehouse) = (cluster.orders()?, cluster.warehouse()?);
            let sku = warehouse.sku(1).await?;
            let placement = Placement::of(&unique("customer")).line(&sku, 2);
            let rejected = orders.placed(placement).await?;
            assert_eq!(rejected.state(), OrderState::Rejected);
            let answer = orders.cancel(cancel(&rejected)).await?;
            assert_eq!((answer.order, answer.plan), (Some(rejected.clone()), None));
            let stale = CancelOrderRequest {
                request_id: "other".to_owned(),
                expected_version: Some(1),
                ..cancel(&rejected)
            };
            let status = orders.cancel(stale).await.unwrap_err();
            assert_eq!(status.code(), Code::Aborted);
            assert_eq!(told(&status).reason, "VERSION_MISMATCH");
            Ok(())
        })
        .await
}

#[tokio::test]
async fn a_cancel_that_names_no_order_or_two_is_refused() -> anyhow::Result<()> {
    CLUSTER
        .run(async |cluster| {
            let orders = cluster.orders()?;
            let key = CancelOrderRequest {
                request_id: "cancel".to_owned(),
                ..CancelOrderRequest::default()
            };
            let two = CancelOrderRequest {
                order_id: "01a212ca-98b4-7718-b8a9-f56b91da44b9".to_owned(),
                customer_id: "c".to_owned(),
                placement_request_id: "r".to_owned(),
                ..key.clone()
            };
            let card = CancelOrderRequest {
                customer_id: "c".to_owned(),
                placement_request_id: "r".to_owned(),
                reason: "4242 4242 4242 4242".to_owned(),
                ..key.clone()
            };
            for (request, reason) in [
                (key, "INVALID_FIELD"),
                (two, "INVALID_FIELD"),
                (card, "PAN_REFUSED"),
            ] {
                let status = orders.cancel(request).await.unwrap_err();
                assert_eq!(told(&status).reason, reason, "{status:?}");
            }
            Ok(())
        })
        .await
}

#[tokio::test]
async fn a_cancel_against_a_finish_has_one_winner() -> anyhow::Result<()> {
    CLUSTER
        .run(async |cluster| {
            let cancelled = cancel::against_finish(cluster, 100, 8).await?;
            let all = cancelled.entombed + cancelled.turned + cancelled.after_confirmation;
            assert_eq!(all, 100);
            Ok(())
        })
        .await
}
