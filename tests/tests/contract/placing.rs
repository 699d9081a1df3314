//! An order goes all the way: stock, money, and what is read back.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use holdfast_postgres::Database;
use holdfast_proto::{
    order::{AdjustmentKind, CaptureMode, OrderState, Priority},
    payment::PaymentState,
    types::{ErrorReason, StockLine},
};
use holdfast_tests::{
    payments::{Moved, moved},
    placement::{Placement, UNIT_PRICE, euros, unique},
    refusal::told,
};
use tonic::Code;

use crate::CLUSTER;

const SOON: Duration = Duration::from_secs(10);

#[tokio::test]
async fn an_order_is_confirmed_charged_and_read_back_as_it_was_answered() -> anyhow::Result<()> {
    CLUSTER
        .run(async |cluster| {
            let (orders, warehouse) = (cluster.orders()?, cluster.warehouse()?);
            let (one, two) = (warehouse.sku(5).await?, warehouse.sku(5).await?);
            let customer = unique("customer");
            let placement = Placement::of(&customer)
                .priced_line(&one, 2, 1_999)
                .priced_line(&two, 1, 5)
                .adjusted(AdjustmentKind::Shipping, 490)
                .adjusted(AdjustmentKind::Discount, -93)
                .priority(Priority::High)
                .pair("basket", "b-17");
            let answer = orders.place(placement.clone()).await?;
            assert!(!answer.replayed);
            let order = answer.order.context("an order")?;

            assert_eq!(order.state(), OrderState::Confirmed);
            assert_eq!(order.version, 2, "accepted, then confirmed");
            assert_eq!(order.total_amount, Some(euros(4_400)));
            assert_eq!(order.captured_amount, Some(euros(4_400)));
            assert_eq!(order.rejection, None);
            assert_eq!(order.capture(), CaptureMode::OnConfirm);
            assert_eq!(order.priority(), Priority::High);
            assert_eq!(order.metadata["basket"], "b-17");
            assert_eq!(order.adjustments, placement.request().adjustments);
            let numbers: Vec<_> = order.lines.iter().map(|line| line.line_number).collect();
            assert_eq!(numbers, [1, 2]);
            let from = |sku: &str, quantity| StockLine {
                sku: sku.into(),
                quantity,
                location_id: Some("default".into()),
            };
            let mut allocations = order.allocations.clone();
            allocations.sort_by_key(|line| std::cmp::Reverse(line.quantity));
            assert_eq!(allocations, [from(&one, 2), from(&two, 1)]);
            assert_eq!(orders.reread(&order.order_id).await?, order);

            let stock = warehouse.stock(&one).await?;
            assert_eq!((stock.on_hand, stock.reserved, stock.available), (5, 2, 3));
            let payment = cluster.payments()?.get(&order.order_id).await?;
            assert_eq!(payment.state(), PaymentState::Captured);
            assert_eq!(payment.captured_amount, Some(euros(4_400)));
            let mut provider = cluster.database(Database::Provider).await?;
            let charged = Moved {
                charges: 1,
                net: 4_400,
                ..Moved::default()
            };
            assert_eq!(moved(&mut provider, &order.order_id).await?, charged);
            Ok(())
        })
        .await
}

#[tokio::test]
async fn an_order_that_is_paid_on_fulfilment_is_only_authorized() -> anyhow::Result<()> {
    CLUSTER
        .run(async |cluster| {
            let sku = cluster.warehouse()?.sku(1).await?;
            let placement = Placement::of(&unique("customer"))
                .line(&sku, 1)
                .on_fulfillment();
            let order = cluster.orders()?.placed(placement).await?;
            assert_eq!(order.state(), OrderState::Confirmed);
            assert_eq!(order.captured_amount, Some(euros(0)));
            let payment = cluster.payments()?.get(&order.order_id).await?;
            assert_eq!(payment.state(), PaymentState::Authorized);
            assert_eq!(payment.authorized_amount, Some(euros(UNIT_PRICE)));
            let mut provider = cluster.database(Database::Provider).await?;
            let authorized = Moved {
                authorizations: 1,
                ..Moved::default()
            };
            assert_eq!(moved(&mut provider, &order.order_id).await?, authorized);
            Ok(())
        })
        .await
}

#[tokio::test]
async fn an_order_that_costs_nothing_has_no_payment() -> anyhow::Result<()> {
    CLUSTER
        .run(async |cluster| {
            let sku = cluster.warehouse()?.sku(1).await?;
            let placement = Placement::of(&unique("customer"))
                .line(&sku, 1)
                .adjusted(AdjustmentKind::Discount, -UNIT_PRICE)
                .token("");
            let order = cluster.orders()?.placed(placement).await?;
            assert_eq!(order.state(), OrderState::Confirmed);
            assert_eq!(order.total_amount, Some(euros(0)));
            let status = cluster.payments()?.get(&order.order_id).await.unwrap_err();
            let told = told(&status);
            assert_eq!(
                (told.code, told.reason.as_str()),
                (Code::NotFound, "PAYMENT_NOT_FOUND")
            );
            Ok(())
        })
        .await
}

#[tokio::test]
async fn every_line_of_an_order_is_allocated_or_none() -> anyhow::Result<()> {
    CLUSTER
        .run(async |cluster| {
            let (orders, warehouse) = (cluster.orders()?, cluster.warehouse()?);
            let (plenty, scarce) = (warehouse.sku(10).await?, warehouse.sku(3).await?);
            // Two lines with one SKU are one demand for stock.
            let placement = Placement::of(&unique("customer"))
                .line(&plenty, 1)
                .line(&scarce, 2)
                .line(&scarce, 2);
            let order = orders.placed(placement).await?;
            assert_eq!(order.state(), OrderState::Rejected);
            let rejection = order.rejection.context("a rejection")?;
            assert_eq!(rejection.reason(), ErrorReason::OutOfStock);
            let [short] = &rejection.shortages[..] else {
                anyhow::bail!("one SKU is short: {rejection:?}");
            };
            assert_eq!(
                (&short.sku, short.requested, short.available),
                (&scarce, 4, 3)
            );
            for (sku, units) in [(&plenty, 10), (&scarce, 3)] {
                let stock = warehouse.stock(sku).await?;
                assert_eq!((stock.reserved, stock.available), (0, units));
            }
            let mut provider = cluster.database(Database::Provider).await?;
            assert_eq!(
                moved(&mut provider, &order.order_id).await?,
                Moved::default()
            );
            Ok(())
        })
        .await
}

#[tokio::test]
async fn an_unknown_sku_rejects_the_order_and_is_named() -> anyhow::Result<()> {
    CLUSTER
        .run(async |cluster| {
            let sku = unique("never-put");
            let placement = Placement::of(&unique("customer")).line(&sku, 1);
            let order = cluster.orders()?.placed(placement).await?;
            assert_eq!(order.state(), OrderState::Rejected);
            let rejection = order.rejection.context("a rejection")?;
            assert_eq!(rejection.reason(), ErrorReason::UnknownSku);
            assert_eq!(rejection.metadata["skus"], sku);
            Ok(())
        })
        .await
}

#[tokio::test]
async fn an_order_of_six_hundred_lines_is_confirmed() -> anyhow::Result<()> {
    const LINES: usize = 600;
    CLUSTER
        .run(async |cluster| {
            let warehouse = cluster.warehouse()?;
            let mut placement = Placement::of(&unique("wholesale"));
            let mut skus = Vec::new();
            for _ in 0..20 {
                skus.push(warehouse.sku(1_000).await?);
            }
            for (sku, _) in skus.iter().cycle().zip(0..LINES) {
                placement = placement.line(sku, 1);
            }
            let order = cluster.orders()?.placed(placement).await?;
            assert_eq!(order.state(), OrderState::Confirmed);
            assert_eq!(order.lines.len(), LINES);
            assert_eq!(warehouse.stock(&skus[0]).await?.reserved, 30);
            Ok(())
        })
        .await
}

#[tokio::test]
async fn an_accepted_order_is_decided_by_itself() -> anyhow::Result<()> {
    CLUSTER
        .run(async |cluster| {
            let orders = cluster.orders()?;
            let sku = cluster.warehouse()?.sku(1).await?;
            let placement = Placement::of(&unique("customer"))
                .line(&sku, 1)
                .token("tok_slow_500")
                .accepted();
            let started = Instant::now();
            let order = orders.placed(placement).await?;
            assert!(
                started.elapsed() < Duration::from_millis(500),
                "it does not wait"
            );
            assert_eq!((order.state(), order.version), (OrderState::Pending, 1));
            let decided = orders.decided(&order.order_id, SOON).await?;
            assert_eq!(
                (decided.state(), decided.version),
                (OrderState::Confirmed, 2)
            );
            Ok(())
        })
        .await
}

#[tokio::test]
async fn a_caller_that_goes_away_does_not_stop_its_order() -> anyhow::Result<()> {
    CLUSTER
        .run(async |cluster| {
            let orders = cluster.orders()?;
            let sku = cluster.warehouse()?.sku(1).await?;
            let customer = unique("customer");
            let placement = Placement::of(&customer).line(&sku, 1).token("tok_slow_500");
            let call = orders.place(placement.clone());
            let left = tokio::time::timeout(Duration::from_millis(250), call).await;
            assert!(left.is_err(), "it was to be slower than that");
            let answer = orders.place(placement).await?;
            assert!(answer.replayed, "it had been accepted");
            let order = answer.order.context("an order")?;
            assert_eq!(order.state(), OrderState::Confirmed);
            assert_eq!(orders.of_customer(&customer).await?.len(), 1);
            Ok(())
        })
        .await
}
