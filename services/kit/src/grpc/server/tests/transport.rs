//! The transport's limits, read off the wire with nothing but a TCP socket.
//! Frames are taken apart by hand, so that no library's default can stand in for ours.

use std::collections::BTreeMap;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::Code;

use super::{PATIENCE, Running, get, start};
use crate::grpc;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const EMPTY_SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];
const SETTINGS: u8 = 4;
const WINDOW_UPDATE: u8 = 8;
const ACK: u8 = 1;

/// The window of a connection before it is enlarged, fixed by HTTP/2.
const FIRST_WINDOW: u32 = 65_535;

struct Frame {
    kind: u8,
    flags: u8,
    payload: Vec<u8>,
}

async fn read_frame(stream: &mut TcpStream) -> Frame {
    let mut head = [0; 9];
    stream.read_exact(&mut head).await.unwrap();
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
    let mut payload = vec![0; length as usize];
    stream.read_exact(&mut payload).await.unwrap();
    Frame {
        kind: head[3],
        flags: head[4],
        payload,
    }
}

/// Reads the server's settings, and how far it opens the connection's window.
async fn settings_of(running: &Running) -> (BTreeMap<u16, u32>, u32) {
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    stream.write_all(PREFACE).await.unwrap();
    stream.write_all(&EMPTY_SETTINGS).await.unwrap();
    let (mut settings, mut window) = (None, None);
    while settings.is_none() || window.is_none() {
        let frame = read_frame(&mut stream).await;
        match frame.kind {
            SETTINGS if frame.flags & ACK == 0 => {
                let pairs = frame.payload.chunks_exact(6).map(|pair| {
                    let id = u16::from_be_bytes([pair[0], pair[1]]);
                    (id, u32::from_be_bytes([pair[2], pair[3], pair[4], pair[5]]))
                });
                settings = Some(pairs.collect());
            }
            WINDOW_UPDATE => {
                let bytes: [u8; 4] = frame.payload.try_into().unwrap();
                window = Some(FIRST_WINDOW + u32::from_be_bytes(bytes));
            }
            _ => {}
        }
    }
    (settings.unwrap(), window.unwrap())
}

#[tokio::test]
async fn the_limits_on_the_wire_are_the_named_ones() {
    let running = start().await;
    let reading = tokio::time::timeout(PATIENCE, settings_of(&running));
    let (settings, window) = reading.await.unwrap();
    for (name, id, expected) in [
        ("SETTINGS_MAX_CONCURRENT_STREAMS", 3, grpc::STREAMS_MAX),
        ("SETTINGS_INITIAL_WINDOW_SIZE", 4, grpc::STREAM_WINDOW_BYTES),
        ("SETTINGS_MAX_FRAME_SIZE", 5, grpc::FRAME_BYTES_MAX),
        (
            "SETTINGS_MAX_HEADER_LIST_SIZE",
            6,
            grpc::HEADER_LIST_BYTES_MAX,
        ),
    ] {
        assert_eq!(settings.get(&id), Some(&expected), "{name}");
    }
    assert_eq!(window, grpc::CONNECTION_WINDOW_BYTES);
    running.stopped().await;
}

#[tokio::test]
async fn a_message_beyond_the_limit_is_refused_and_the_largest_is_not() {
    let running = start().await;
    let mut client = running.client();
    let fits = "x".repeat(grpc::MESSAGE_BYTES_MAX - 1_024);
    client.get_order(get(&fits)).await.unwrap();
    let seen = running.seen.started();
    let beyond = "x".repeat(grpc::MESSAGE_BYTES_MAX + 1);
    let status = client.get_order(get(&beyond)).await.unwrap_err();
    assert_eq!(status.code(), Code::OutOfRange, "{status:?}");
    assert_eq!(running.seen.started(), seen);
    running.stopped().await;
}

#[tokio::test]
async fn headers_beyond_the_limit_never_reach_a_handler() {
    let running = start().await;
    let mut request = get("any");
    let long = "x".repeat(grpc::HEADER_LIST_BYTES_MAX as usize);
    request.metadata_mut().insert("long", long.parse().unwrap());
    assert!(running.client().get_order(request).await.is_err());
    assert_eq!(running.seen.started(), 0);
    running.client().get_order(get("any")).await.unwrap();
    running.stopped().await;
}

#[tokio::test]
async fn a_handler_that_panics_fails_its_call_alone() {
    let running = start().await;
    let mut client = running.client();
    let request = tonic::Request::new(super::PlaceOrderRequest::default());
    assert!(client.place_order(request).await.is_err());
    client.get_order(get("any")).await.unwrap();
    running.stopped().await;
}

#[tokio::test]
async fn a_method_that_does_not_exist_is_unimplemented() {
    let running = start().await;
    let client =
        holdfast_proto::audit::audit_service_client::AuditServiceClient::new(running.channel());
    let request = tonic::Request::new(holdfast_proto::audit::AuditRequest::default());
    let status = { client }.audit(request).await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
    running.stopped().await;
}
