//! Where stock comes from.

use holdfast_proto::{order::OrderState, types::ErrorReason};
use holdfast_tests::placement::{Placement, unique};

use crate::CLUSTER;

/// Where an order's units come from, by location.
fn from(order: &holdfast_proto::order::Order) -> Vec<(String, i64)> {
    let place = |line: &holdfast_proto::types::StockLine| {
        (line.location_id.clone().unwrap_or_default(), line.quantity)
    };
    let mut from: Vec<_> = order.allocations.iter().map(place).collect();
    from.sort_unstable();
    from
}

fn at(places: &[(&str, i64)]) -> Vec<(String, i64)> {
    places
        .iter()
        .map(|(location, units)| ((*location).into(), *units))
        .collect()
}

#[tokio::test]
async fn a_line_is_taken_from_where_it_says_and_nowhere_else() -> anyhow::Result<()> {
    CLUSTER
        .run(async |cluster| {
            let (orders, warehouse) = (cluster.orders()?, cluster.warehouse()?);
            let sku = warehouse.sku(0).await?;
            warehouse.receive(&sku, Some("north"), 2).await?;
            warehouse.receive(&sku, Some("south"), 5).await?;
            let customer = unique("customer");
            let order = orders
                .placed(Placement::of(&customer).line_from("north", &sku, 2))
                .await?;
            assert_eq!(order.state(), OrderState::Confirmed);
            assert_eq!(from(&order), at(&[("north", 2)]));

            let order = orders
                .placed(Placement::of(&customer).line_from("north", &sku, 1))
                .await?;
            let rejection = order.rejection.unwrap_or_default();
            assert_eq!(rejection.reason(), ErrorReason::OutOfStock);
            let short = &rejection.shortages[0];
            assert_eq!((short.requested, short.available), (1, 0));
            assert_eq!(short.location_id.as_deref(), Some("north"));
            assert_eq!(warehouse.stock(&sku).await?.available, 5);
            Ok(())
        })
        .await
}

#[tokio::test]
async fn a_line_without_a_location_takes_the_fullest_and_splits_only_when_it_must()
-> anyhow::Result<()> {
    CLUSTER
        .run(async |cluster| {
            let (orders, warehouse) = (cluster.orders()?, cluster.warehouse()?);
            let sku = warehouse.sku(0).await?;
            for (location, units) in [("east", 3), ("north", 6), ("south", 4)] {
                warehouse.receive(&sku, Some(location), units).await?;
            }
            let customer = unique("customer");
            let order = orders
                .placed(Placement::of(&customer).line(&sku, 4))
                .await?;
            assert_eq!(from(&order), at(&[("north", 4)]));

            // Now south has 4, east 3 and north 2: no one of them has 6.
            let order = orders
                .placed(Placement::of(&customer).line(&sku, 6))
                .await?;
            assert_eq!(order.state(), OrderState::Confirmed);
            assert_eq!(from(&order), at(&[("east", 2), ("south", 4)]));
            let stock = warehouse.stock(&sku).await?;
            assert_eq!(
                (stock.on_hand, stock.reserved, stock.available),
                (13, 10, 3)
            );
            assert_eq!(stock.levels.len(), 3);
            Ok(())
        })
        .await
}

#[tokio::test]
async fn stock_that_is_spoken_for_cannot_be_taken_off_the_shelf() -> anyhow::Result<()> {
    CLUSTER
        .run(async |cluster| {
            let (orders, warehouse) = (cluster.orders()?, cluster.warehouse()?);
            let sku = warehouse.sku(5).await?;
            orders
                .placed(Placement::of(&unique("customer")).line(&sku, 3))
                .await?;
            let error = warehouse.receive(&sku, None, -3).await.unwrap_err();
            let status = error
                .downcast_ref::<tonic::Status>()
                .expect("the call's status");
            assert_eq!(
                holdfast_tests::refusal::told(status).reason,
                "BELOW_RESERVED"
            );
            warehouse.receive(&sku, None, -2).await?;
            let stock = warehouse.stock(&sku).await?;
            assert_eq!((stock.on_hand, stock.reserved, stock.available), (3, 3, 0));
            Ok(())
        })
        .await
}
