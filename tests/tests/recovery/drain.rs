//! A service that is to stop ends the streams that callers hold open.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures::StreamExt as _;
use holdfast_proto::order::{PlaceOrdersRequest, place_orders_response::Outcome};
use holdfast_tests::{
    cluster::{Cluster, Layout, Member},
    eventually::eventually,
    placement::{Placement, unique},
    refusal,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;

use crate::TURN;

/// Half of what calls in flight may take once the server drains.
const SOON: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_answers_what_an_open_stream_has_sent_and_ends_it() -> anyhow::Result<()> {
    let _turn = TURN.lock().await;
    let mut cluster = Cluster::start(Layout::split(2)).await?;
    let sku = cluster.warehouse()?.sku(10).await?;
    let (sender, receiver) = mpsc::channel(1);
    let customer = unique("streamer");
    let message = |sequence, token| PlaceOrdersRequest {
        sequence,
        order: Some(
            Placement::of(&customer)
                .line(&sku, 1)
                .token(token)
                .request(),
        ),
    };
    sender.send(message(1, "tok_ok")).await?;
    let mut client = cluster.orders_at(0)?.client();
    let mut answers = client
        .place_orders(ReceiverStream::new(receiver))
        .await?
        .into_inner();
    let first = answers.next().await.context("an answer")??;
    assert_eq!(first.sequence, 1);
    // One is on its way when the stop comes, and nobody ends the stream.
    sender.send(message(2, "tok_slow_1000")).await?;
    let other = cluster.orders_at(1)?;
    eventually("the second order is there", SOON, async || {
        Ok((other.of_customer(&customer).await?.len() == 2).then_some(()))
    })
    .await?;

    let began = Instant::now();
    let (stopped, rest) = tokio::join!(cluster.stop(Member::Order(0)), answers.collect::<Vec<_>>());
    assert!(stopped?.success());
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    let [second, end] = <[_; 2]>::try_from(rest).map_err(|rest| anyhow::anyhow!("{rest:?}"))?;
    let second = second?;
    assert_eq!(second.sequence, 2);
    assert!(matches!(second.outcome, Some(Outcome::Order(_))));
    let status = end.err().context("the stream ends with an error")?;
    let told = refusal::told(&status);
    assert_eq!(
        (told.code, told.reason.as_str()),
        (Code::Unavailable, "NOT_SERVING")
    );
    cluster.restart(Member::Order(0)).await?;
    cluster.finish().await
}
