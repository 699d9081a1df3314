//! What becomes of a call at its deadline, and what a handler is told.
//! grpc-timeout is written by hand where a client would not send it so.

use std::time::Duration;

use prost::Message;
use tokio::net::TcpStream;
use tonic::Code;
use tonic_types::StatusExt;

use super::{ORDER, PATIENCE, Running, get, start};
use crate::refusal::{CallError, Reason};

fn reason_of(status: &tonic::Status) -> String {
    status
        .get_error_details()
        .error_info()
        .unwrap()
        .reason
        .clone()
}

#[tokio::test]
async fn a_call_without_time_left_never_reaches_its_handler() {
    let running = start().await;
    for timeout in ["0n", "1n", "0u", "0m", "0S", "0M", "0H"] {
        let status = call_until_the_end(&running, "GetOrder", timeout).await;
        assert_eq!(
            status.code(),
            Code::DeadlineExceeded,
            "{timeout}: {status:?}"
        );
        assert_eq!(reason_of(&status), "DEADLINE_PAST");
    }
    assert_eq!(running.seen.started(), 0);
    running.stopped().await;
}

#[tokio::test]
async fn a_timeout_that_cannot_be_read_is_an_invalid_field() {
    let running = start().await;
    let mut request = get("any");
    request
        .metadata_mut()
        .insert("grpc-timeout", "soon".parse().unwrap());
    let status = running.client().get_order(request).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    let details = status.get_error_details();
    assert_eq!(
        details.bad_request().unwrap().field_violations[0].field,
        "grpc-timeout"
    );
    assert_eq!(running.seen.started(), 0);
    running.stopped().await;
}

/// Calls GetOrder("wait") or PlaceOrders over bare HTTP/2, and gives the status that ends it: tonic's
/// own client would give up by itself and answer CANCELLED.
async fn call_until_the_end(running: &Running, method: &str, timeout: &str) -> tonic::Status {
    let stream = TcpStream::connect(running.address).await.unwrap();
    let (client, connection) = h2::client::handshake(stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = http::Request::post(format!("http://test/{ORDER}/{method}"))
        .header("te", "trailers")
        .header("content-type", "application/grpc")
        .header("grpc-timeout", timeout)
        .body(())
        .unwrap();
    let mut client = client.ready().await.unwrap();
    let (response, mut body) = client.send_request(request, false).unwrap();
    let message = get("wait").into_inner().encode_to_vec();
    let length = u8::try_from(message.len()).unwrap();
    let frame = [[0, 0, 0, 0, length].as_slice(), &message].concat();
    body.send_data(frame.into(), true).unwrap();
    let response = response.await.unwrap();
    let status = tonic::Status::from_header_map(response.headers());
    let mut answers = response.into_body();
    let status = match status {
        Some(status) => status,
        None => {
            let trailers = answers.trailers().await.unwrap().unwrap();
            tonic::Status::from_header_map(&trailers).unwrap()
        }
    };
    connection.abort();
    status
}

#[tokio::test]
async fn an_answer_that_is_late_is_pending_not_cancelled() {
    let running = start().await;
    let call = call_until_the_end(&running, "GetOrder", "50m");
    let status = tokio::time::timeout(PATIENCE, call).await.unwrap();
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");
    assert_eq!(reason_of(&status), "ANSWER_PENDING");
    let unknown = CallError::from(&status);
    assert!(matches!(unknown, CallError::Unknown(u) if u.reason == Reason::AnswerPending));
    assert_eq!((running.seen.started(), running.seen.ended()), (1, 0));
    running.stopped().await;
}

#[tokio::test]
async fn a_stream_ends_at_its_deadline() {
    let running = start().await;
    let call = call_until_the_end(&running, "PlaceOrders", "50m");
    let status = tokio::time::timeout(PATIENCE, call).await.unwrap();
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");
    assert_eq!(reason_of(&status), "ANSWER_PENDING");
    running.stopped().await;
}

#[tokio::test]
async fn a_handler_is_told_deadline_and_trace() {
    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let running = start().await;
    let mut client = running.client();
    let mut request = get("any");
    request.set_timeout(Duration::from_secs(5));
    crate::trace::inject(&mut request, Some(PARENT.parse().unwrap()));
    let order = client
        .get_order(request)
        .await
        .unwrap()
        .into_inner()
        .order
        .unwrap();
    assert_eq!((order.customer_id.as_str(), order.version), (PARENT, 1));
    let order = client
        .get_order(get("any"))
        .await
        .unwrap()
        .into_inner()
        .order
        .unwrap();
    assert_eq!((order.customer_id.as_str(), order.version), ("", 0));
    running.stopped().await;
}
