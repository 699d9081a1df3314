//! The orderly stop: nothing new is taken, what runs ends, and nothing waits for ever.
//! The clients are real ones, so that what they see is what a caller sees.

use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::{PATIENCE, get, start, start_with};

#[tokio::test]
async fn calls_in_flight_end_and_nothing_new_is_taken() {
    let running = start().await;
    let mut client = running.client();
    let waiting = tokio::spawn(async move { client.get_order(get("wait")).await });
    running.seen.started_now.notified().await;
    let watch = HealthCheckRequest::default();
    let mut health = HealthClient::new(running.channel())
        .watch(watch)
        .await
        .unwrap()
        .into_inner();
    let first = health.message().await.unwrap().unwrap();
    assert_eq!(first.status(), ServingStatus::Serving);
    assert!(running.readiness.is_ready());

    running.shutdown.cancel();
    let second = health.message().await.unwrap().unwrap();
    assert_eq!(second.status(), ServingStatus::NotServing);
    assert!(!running.readiness.is_ready());
    assert_eq!(
        health.message().await.unwrap_err().code(),
        Code::Unavailable
    );
    let began = Instant::now();
    while TcpStream::connect(running.address).await.is_ok() {
        assert!(began.elapsed() < PATIENCE, "the listener is still open");
        tokio::task::yield_now().await;
    }
    assert!(!running.served.is_finished());

    running.seen.release.notify_one();
    waiting.await.unwrap().unwrap();
    running.stopped().await;
}

#[tokio::test]
async fn calls_that_do_not_end_are_cut_off_at_the_limit() {
    let running = start_with(Duration::from_millis(50)).await;
    let mut client = running.client();
    let waiting = tokio::spawn(async move { client.get_order(get("wait")).await });
    running.seen.started_now.notified().await;
    let seen = std::sync::Arc::clone(&running.seen);
    running.stopped().await;
    let status = waiting.await.unwrap().unwrap_err();
    assert!(
        matches!(
            status.code(),
            Code::Unavailable | Code::Unknown | Code::Cancelled
        ),
        "{status:?}"
    );
    assert_eq!(seen.ended(), 0);
}

#[tokio::test]
async fn a_silent_connection_does_not_hold_up_the_stop() {
    let running = start().await;
    let silent = TcpStream::connect(running.address).await.unwrap();
    let began = Instant::now();
    running.stopped().await;
    assert!(began.elapsed() < super::grpc::DRAIN_MAX);
    drop(silent);
}
