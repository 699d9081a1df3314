//! Reading orders: one, and many page by page.

use holdfast_proto::order::{ListOrdersRequest, Order, OrderState, OrderView};
use holdfast_tests::{
    orders::Orders,
    placement::{Placement, unique},
    refusal::told,
};
use tonic::Code;
use uuid::Uuid;

use crate::CLUSTER;

fn ids(orders: &[Order]) -> Vec<&str> {
    orders.iter().map(|order| order.order_id.as_str()).collect()
}

/// Pages of this size until there is no next one.
async fn pages(orders: &Orders, filter: &ListOrdersRequest) -> anyhow::Result<Vec<Vec<Order>>> {
    let mut request = filter.clone();
    let mut pages = Vec::new();
    loop {
        let page = orders
            .client()
            .list_orders(request.clone())
            .await?
            .into_inner();
        pages.push(page.orders);
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return Ok(pages);
        }
    }
}

#[tokio::test]
async fn pages_hold_every_order_once_newest_first() -> anyhow::Result<()> {
    CLUSTER
        .run(async |cluster| {
            let orders = cluster.orders()?;
            let sku = cluster.warehouse()?.sku(7).await?;
            let customer = unique("customer");
            let mut placed = Vec::new();
            for _ in 0..7 {
                placed.push(
                    orders
                        .placed(Placement::of(&customer).line(&sku, 1))
                        .await?,
                );
            }
            placed.reverse();
            let filter = ListOrdersRequest {
                customer_id: customer,
                page_size: 3,
                view: OrderView::Full.into(),
                ..ListOrdersRequest::default()
            };
            let pages = pages(&orders, &filter).await?;
            let sizes: Vec<_> = pages.iter().map(Vec::len).collect();
            assert_eq!(sizes, [3, 3, 1]);
            assert_eq!(pages.concat(), placed, "in full, as they were answered");
            Ok(())
        })
        .await
}

#[tokio::test]
async fn a_list_is_filtered_by_state_and_by_time() -> anyhow::Result<()> {
    CLUSTER
        .run(async |cluster| {
            let orders = cluster.orders()?;
            let sku = cluster.warehouse()?.sku(1).await?;
            let customer = unique("customer");
            let mut placed = Vec::new();
            for _ in 0..3 {
                placed.push(
                    orders
                        .placed(Placement::of(&customer).line(&sku, 1))
                        .await?,
                );
            }
            let with = |filter: ListOrdersRequest| ListOrdersRequest {
                customer_id: customer.clone(),
                ..filter
            };
            let states = |state: OrderState| {
                with(ListOrdersRequest {
                    states: vec![state.into()],
                    ..ListOrdersRequest::default()
                })
            };
            let confirmed = orders.list_all(states(OrderState::Confirmed)).await?;
            assert_eq!(ids(&confirmed), [placed[0].order_id.as_str()]);
            let rejected = orders.list_all(states(OrderState::Rejected)).await?;
            assert_eq!(ids(&rejected), [&placed[2].order_id, &placed[1].order_id]);
            assert_eq!(orders.list_all(states(OrderState::Pending)).await?, []);

            // From the second on, and before the third.
            let between = orders.list_all(with(ListOrdersRequest {
                start_time: placed[1].create_time,
                end_time: placed[2].create_time,
                ..ListOrdersRequest::default()
            }));
            assert_eq!(ids(&between.await?), [&placed[1].order_id]);
            assert!(rejected[0].lines.is_empty(), "BASIC leaves the lines out");
            assert!(rejected[0].rejection.is_some(), "and keeps the reason");
            Ok(())
        })
        .await
}

#[tokio::test]
async fn a_page_token_goes_with_its_filters() -> anyhow::Result<()> {
    CLUSTER
        .run(async |cluster| {
            let orders = cluster.orders()?;
            let sku = cluster.warehouse()?.sku(2).await?;
            let customer = unique("customer");
            for _ in 0..2 {
                orders
                    .placed(Placement::of(&customer).line(&sku, 1))
                    .await?;
            }
            let first = ListOrdersRequest {
                customer_id: customer,
                page_size: 1,
                ..ListOrdersRequest::default()
            };
            let page = orders
                .client()
                .list_orders(first.clone())
                .await?
                .into_inner();
            let other = ListOrdersRequest {
                states: vec![OrderState::Confirmed.into()],
                page_token: page.next_page_token,
                ..first.clone()
            };
            let made_up = ListOrdersRequest {
                page_token: "AAAA".into(),
                ..first
            };
            for request in [other, made_up] {
                let status = orders.client().list_orders(request).await.unwrap_err();
                let told = told(&status);
                assert_eq!(told.code, Code::InvalidArgument);
                assert_eq!(told.reason, "PAGE_TOKEN_INVALID");
            }
            Ok(())
        })
        .await
}

#[tokio::test]
async fn wrong_reads_are_refused() -> anyhow::Result<()> {
    CLUSTER
        .run(async |cluster| {
            let orders = cluster.orders()?;
            let status = orders.get(&Uuid::now_v7().to_string()).await.unwrap_err();
            let unknown = told(&status);
            assert_eq!(
                (unknown.code, unknown.reason.as_str()),
                (Code::NotFound, "ORDER_NOT_FOUND")
            );
            let status = orders.get("17").await.unwrap_err();
            assert_eq!(told(&status).fields, ["order_id"]);

            let request = ListOrdersRequest {
                states: vec![OrderState::Unspecified.into(), 99],
                page_size: -1,
                view: 99,
                ..ListOrdersRequest::default()
            };
            let status = orders.client().list_orders(request).await.unwrap_err();
            let mut fields = told(&status).fields;
            fields.sort_unstable();
            assert_eq!(fields, ["page_size", "states[0]", "states[1]", "view"]);
            Ok(())
        })
        .await
}
