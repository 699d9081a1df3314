//! A caller's trace on the batch calls that are made for its orders.

use std::time::Duration;

use anyhow::Context as _;
use futures::{StreamExt as _, stream};
use holdfast_kit::trace;
use holdfast_proto::order::{PlaceOrdersRequest, place_orders_response::Outcome};
use holdfast_tests::{
    cluster::{Cluster, Member},
    eventually::eventually,
    placement::{Placement, unique},
};
use tonic::Request;

use crate::CLUSTER;

/// How long a line of a log may take to be there.
const LOGGED_WITHIN: Duration = Duration::from_secs(5);

/// A call that is part of a trace that nobody else has; gives the trace's id too.
fn traced<T>(message: T) -> anyhow::Result<(Request<T>, String)> {
    let trace_id = uuid::Uuid::now_v7().simple().to_string();
    let parent = format!("00-{trace_id}-00f067aa0ba902b7-01").parse()?;
    let mut request = Request::new(message);
    trace::inject(&mut request, Some(parent));
    Ok((request, trace_id))
}

/// Waits until the batches of both steps were linked to the order. A step that asks again has more
/// of them.
async fn linked(cluster: &Cluster, trace_id: &str, order_id: &str) -> anyhow::Result<()> {
    let link = format!("{trace_id}/{order_id}");
    eventually(
        "both steps' batches are linked",
        LOGGED_WITHIN,
        async || {
            let log = cluster.log(Member::All)?;
            let lines = log.lines().filter(|line| {
                line.contains("batch linked to its orders") && line.contains(link.as_str())
            });
            Ok((lines.count() >= 2).then_some(()))
        },
    )
    .await
}

#[tokio::test]
async fn the_batches_of_a_traced_order_and_of_a_traced_stream_are_linked_to_it()
-> anyhow::Result<()> {
    CLUSTER
        .run(async |cluster| {
            let sku = cluster.warehouse()?.sku(2).await?;
            let customer = unique("traced");
            let placement = || Placement::of(&customer).line(&sku, 1).request();
            let mut client = cluster.orders()?.client();

            let (request, trace_id) = traced(placement())?;
            let answer = client.place_order(request).await?.into_inner();
            let order = answer.order.context("an order")?;
            linked(cluster, &trace_id, &order.order_id).await?;

            let message = PlaceOrdersRequest {
                sequence: 1,
                order: Some(placement()),
            };
            let (request, trace_id) = traced(stream::iter([message]))?;
            let mut answers = client.place_orders(request).await?.into_inner();
            let answer = answers.next().await.context("an answer")??;
            let Some(Outcome::Order(order)) = answer.outcome else {
                anyhow::bail!("no order: {answer:?}");
            };
            linked(cluster, &trace_id, &order.order_id).await
        })
        .await
}
