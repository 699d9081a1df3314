//! Many orders on one stream.

use std::{collections::HashMap, time::Duration};

use anyhow::Context as _;
use futures::{StreamExt as _, stream};
use holdfast_proto::{
    order::{
        OrderState, PlaceOrdersRequest, order_service_client::OrderServiceClient,
        place_orders_response::Outcome,
    },
    types::ErrorReason,
};
use holdfast_tests::{
    eventually::eventually,
    placement::{Placement, unique},
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Endpoint;

use crate::CLUSTER;

fn message(sequence: i64, order: Placement) -> PlaceOrdersRequest {
    PlaceOrdersRequest {
        sequence,
        order: Some(order.request()),
    }
}

#[tokio::test]
async fn every_message_has_one_answer_and_a_bad_order_fails_alone() -> anyhow::Result<()> {
    const ORDERS: i64 = 200;
    const BAD: i64 = 77;
    const EMPTY: i64 = 78;
    CLUSTER
        .run(async |cluster| {
            let sku = cluster.warehouse()?.sku(1_000).await?;
            let customer = unique("streamer");
            let messages: Vec<_> = (1..=ORDERS)
                .map(|sequence| match sequence {
                    BAD => message(sequence, Placement::of(&customer).line(&sku, 0)),
                    EMPTY => PlaceOrdersRequest {
                        sequence,
                        order: None,
                    },
                    _ => message(sequence, Placement::of(&customer).line(&sku, 1)),
                })
                .collect();
            let mut client = cluster.orders()?.client();
            let mut answers = client
                .place_orders(stream::iter(messages))
                .await?
                .into_inner();
            let mut outcomes = HashMap::new();
            while let Some(answer) = answers.next().await {
                let answer = answer?;
                assert!(!answer.replayed);
                let outcome = answer.outcome.context("an outcome")?;
                let twice = outcomes.insert(answer.sequence, outcome);
                assert!(twice.is_none(), "two answers to {}", answer.sequence);
            }
            assert_eq!(outcomes.len(), 200);
            for (sequence, field) in [(BAD, "lines[0].quantity"), (EMPTY, "order")] {
                let Some(Outcome::Refusal(refusal)) = outcomes.remove(&sequence) else {
                    anyhow::bail!("message {sequence} is refused");
                };
                assert_eq!(refusal.reason(), ErrorReason::InvalidField);
                assert_eq!(refusal.field_violations[0].field, field);
            }
            for (sequence, outcome) in outcomes {
                let Outcome::Order(order) = outcome else {
                    anyhow::bail!("message {sequence}: {outcome:?}");
                };
                assert_eq!(order.state(), OrderState::Confirmed);
                assert!(order.lines.is_empty(), "the answer is BASIC");
            }
            assert_eq!(cluster.warehouse()?.stock(&sku).await?.reserved, ORDERS - 2);
            Ok(())
        })
        .await
}

#[tokio::test]
async fn duplicates_in_one_batch_are_one_order() -> anyhow::Result<()> {
    const MESSAGES: i64 = 300;
    CLUSTER
        .run(async |cluster| {
            let sku = cluster.warehouse()?.sku(1_000).await?;
            let customer = unique("streamer");
            let placement = Placement::of(&customer).line(&sku, 1);
            let other = placement.clone().pair("body", "other");
            // Nine of ten have one body; the rest comes after it with another.
            let messages: Vec<_> = (1..=MESSAGES)
                .map(|sequence| match sequence % 10 {
                    0 => message(sequence, other.clone()),
                    _ => message(sequence, placement.clone()),
                })
                .collect();
            let mut client = cluster.orders()?.client();
            let mut answers = client
                .place_orders(stream::iter(messages))
                .await?
                .into_inner();
            let (mut ids, mut new, mut refused) = (HashMap::new(), 0, 0);
            while let Some(answer) = answers.next().await {
                let answer = answer?;
                match answer.outcome.context("an outcome")? {
                    Outcome::Order(order) => {
                        assert_eq!(order.state(), OrderState::Confirmed);
                        *ids.entry(order.order_id).or_insert(0) += 1;
                        new += i64::from(!answer.replayed);
                    }
                    Outcome::Refusal(refusal) => {
                        assert_eq!(refusal.reason(), ErrorReason::IdempotencyKeyReused);
                        assert_eq!(refusal.field_violations[0].field, "metadata");
                        refused += 1;
                    }
                    Outcome::Unknown(unknown) => anyhow::bail!("{unknown:?}"),
                }
            }
            assert_eq!((ids.len(), new, refused), (1, 1, MESSAGES / 10));
            assert_eq!(cluster.orders()?.of_customer(&customer).await?.len(), 1);
            assert_eq!(cluster.warehouse()?.stock(&sku).await?.reserved, 1);
            Ok(())
        })
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_whose_answers_nobody_reads_holds_its_sender_back() -> anyhow::Result<()> {
    /// Far more than the service takes, and than all buffers between hold.
    const MESSAGES: usize = 30_000;
    const TAKEN_MAX: usize = 15_000;
    const STILL_FOR: u32 = 100;
    CLUSTER
        .run(async |cluster| {
            let sku = cluster.warehouse()?.sku(i64::try_from(MESSAGES)?).await?;
            let customer = unique("streamer");
            let address = format!("http://{}", cluster.order_address(0).grpc);
            // A client with little room for answers.
            let channel = Endpoint::from_shared(address)?
                .initial_stream_window_size(65_535)
                .initial_connection_window_size(65_535)
                .connect()
                .await?;
            let (sender, receiver) = mpsc::channel(1);
            let mut client = OrderServiceClient::new(channel);
            let call = client.place_orders(ReceiverStream::new(receiver));
            // Padded, so that requests fill their buffers as well.
            let padding = "x".repeat(500);
            let taken = std::sync::atomic::AtomicUsize::new(0);
            let send = async {
                for sequence in 1..=MESSAGES {
                    let order = Placement::of(&customer)
                        .line(&sku, 1)
                        .pair("padding", &padding);
                    let sent = sender.send(message(i64::try_from(sequence)?, order)).await;
                    sent.context("the stream broke")?;
                    taken.store(sequence, std::sync::atomic::Ordering::Relaxed);
                }
                anyhow::bail!("{MESSAGES} orders were taken and no answer read")
            };
            let (mut last, mut looks) = (0, 0);
            let stuck = eventually(
                "the sender is held back",
                Duration::from_secs(60),
                async || {
                    let now = taken.load(std::sync::atomic::Ordering::Relaxed);
                    looks = if now == last { looks + 1 } else { 0 };
                    last = now;
                    Ok((now > 0 && looks >= STILL_FOR).then_some(now))
                },
            );
            let (answers, sent) = tokio::join!(call, async {
                tokio::select! {
                    sent = send => sent,
                    stuck = stuck => stuck,
                }
            });
            let sent = sent?;
            assert!(
                sent < TAKEN_MAX,
                "{sent} orders were taken and no answer read"
            );
            drop(sender);
            let mut answers = answers?.into_inner();
            let mut confirmed = 0;
            while let Some(answer) = answers.next().await {
                let outcome = answer?.outcome.context("an outcome")?;
                assert!(matches!(outcome, Outcome::Order(_)), "{outcome:?}");
                confirmed += 1;
            }
            // The one that was being sent may have gone or not.
            assert!(
                confirmed == sent || confirmed == sent + 1,
                "{confirmed} answers to {sent}"
            );
            Ok(())
        })
        .await
}
