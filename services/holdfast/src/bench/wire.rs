//! PlaceOrder on HTTP/2 itself, for a load generator that must not cost more than what it measures.
//!
//! The rule: on the wire it is a gRPC call like any other. What is left out is what a closed loop
//! of one method has no use for: the queues and layers of a general client, and the fields of the
//! answer that nobody reads. It takes half of the CPU time.

use std::{
    future::poll_fn,
    io,
    sync::{Arc, LazyLock},
};

use bytes::{BufMut as _, Bytes, BytesMut};
use h2::client::SendRequest;
use holdfast_kit::{
    grpc::{CONNECTION_WINDOW_BYTES, STREAM_WINDOW_BYTES},
    refusal::{CallError, Reason, Unknown},
};
use holdfast_proto::order::{OrderState, PlaceOrderRequest};
use http::{HeaderMap, Request, header};
use prost::Message as _;
use tokio::{net::TcpStream, sync::Mutex};
use tonic::Status;

use super::latency::Outcome;

const PATH: &str = "/holdfast.order.v1.OrderService/PlaceOrder";
/// A flag and a length stand before a message.
const PREFIX_BYTES: usize = 5;
const STATUS_OK: &[u8] = b"0";

/// What is read of a PlaceOrderResponse.
#[derive(Clone, PartialEq, prost::Message)]
struct Answer {
    #[prost(message, optional, tag = "1")]
    order: Option<Decided>,
}

/// What is read of an Order.
#[derive(Clone, PartialEq, prost::Message)]
struct Decided {
    #[prost(enumeration = "OrderState", tag = "2")]
    state: i32,
    #[prost(message, optional, tag = "9")]
    rejection: Option<Rejected>,
}

/// What is read of a Refusal.
#[derive(Clone, PartialEq, prost::Message)]
struct Rejected {
    #[prost(enumeration = "Reason", tag = "1")]
    reason: i32,
}

/// A connection that many callers share and that is made anew when it breaks.
#[derive(Debug)]
pub(super) struct Wire {
    address: String,
    open: Mutex<Open>,
}

#[derive(Clone, Debug)]
struct Open {
    /// Goes up with each connection, so that of many callers one makes the next.
    generation: u64,
    sender: SendRequest<Bytes>,
}

impl Wire {
    /// Connects.
    ///
    /// # Errors
    /// If nobody answers there.
    pub(super) async fn connect(address: &str) -> io::Result<Arc<Self>> {
        let address = address
            .strip_prefix("http://")
            .unwrap_or(address)
            .to_owned();
        let open = Mutex::new(Open {
            generation: 0,
            sender: open(&address).await?,
        });
        Ok(Arc::new(Self { address, open }))
    }

    /// Makes a caller, for one order at a time.
    pub(super) async fn caller(self: &Arc<Self>) -> Caller {
        let uri = format!("http://{}{PATH}", self.address);
        let request = Request::post(uri)
            .header(header::CONTENT_TYPE, "application/grpc")
            .header(header::TE, "trailers")
            .body(())
            .expect("the connection was made to this address");
        Caller {
            wire: Arc::clone(self),
            open: self.open.lock().await.clone(),
            request,
        }
    }

    /// Gives a connection that is newer than the one with this generation.
    async fn after(&self, generation: u64) -> io::Result<Open> {
        let mut current = self.open.lock().await;
        if current.generation == generation {
            let sender = open(&self.address).await?;
            *current = Open {
                generation: generation + 1,
                sender,
            };
        }
        Ok(current.clone())
    }
}

async fn open(address: &str) -> io::Result<SendRequest<Bytes>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = h2::client::Builder::new()
        .initial_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .enable_push(false)
        .handshake(stream)
        .await
        .map_err(io::Error::other)?;
    // Its calls hear of its end.
    tokio::spawn(connection);
    Ok(sender)
}

/// Calls over a shared connection.
#[derive(Debug)]
pub(super) struct Caller {
    wire: Arc<Wire>,
    open: Open,
    request: Request<()>,
}

impl Caller {
    /// Places an order.
    ///
    /// # Errors
    /// As any call of PlaceOrder. A connection that broke is made again for the next one.
    pub(super) async fn place(&mut self, order: &PlaceOrderRequest) -> Result<Outcome, CallError> {
        let error = match self.exchange(framed(order)).await {
            Ok(answer) => return answer,
            Err(error) => error,
        };
        if !error.is_reset() {
            // If it cannot be made, the next call says so.
            if let Ok(open) = self.wire.after(self.open.generation).await {
                self.open = open;
            }
        }
        Err(Unknown::new(Reason::ParticipantUnavailable, error.to_string()).into())
    }

    async fn exchange(&mut self, message: Bytes) -> Result<Result<Outcome, CallError>, h2::Error> {
        let sender = &mut self.open.sender;
        poll_fn(|context| sender.poll_ready(context)).await?;
        let (response, mut sending) = sender.send_request(self.request.clone(), false)?;
        sending.send_data(message, true)?;
        let (head, mut body) = response.await?.into_parts();
        if let Some(error) = status_of(&head.headers) {
            return Ok(Err(error));
        }
        let mut answer = Bytes::new();
        while let Some(data) = body.data().await {
            let data = data?;
            body.flow_control().release_capacity(data.len())?;
            answer = if answer.is_empty() {
                data
            } else {
                [answer, data].concat().into()
            };
        }
        let trailers = body.trailers().await?.unwrap_or_default();
        Ok(match status_of(&trailers) {
            Some(error) => Err(error),
            None => read(&answer),
        })
    }
}

/// The message in its frame.
fn framed(order: &PlaceOrderRequest) -> Bytes {
    let length = order.encoded_len();
    let mut frame = BytesMut::with_capacity(PREFIX_BYTES + length);
    frame.put_u8(0);
    frame.put_u32(u32::try_from(length).expect("an order is a few kilobytes"));
    order.encode(&mut frame).expect("the buffer grows");
    frame.freeze()
}

/// The error of a call that did not end well; headers may say so before any message.
fn status_of(headers: &HeaderMap) -> Option<CallError> {
    match headers.get(Status::GRPC_STATUS) {
        Some(status) if status.as_bytes() == STATUS_OK => None,
        Some(_) => Status::from_header_map(headers)
            .as_ref()
            .map(CallError::from),
        None => None,
    }
}

/// What a framed answer says.
fn read(frame: &[u8]) -> Result<Outcome, CallError> {
    static BROKEN: LazyLock<Unknown> =
        LazyLock::new(|| Unknown::new(Reason::Internal, "the answer is no PlaceOrderResponse"));
    let answer = frame
        .get(PREFIX_BYTES..)
        .and_then(|message| Answer::decode(message).ok());
    let order = answer
        .and_then(|answer| answer.order)
        .ok_or_else(|| BROKEN.clone())?;
    let reason = order
        .rejection
        .as_ref()
        .map_or(Reason::Unspecified, Rejected::reason);
    Ok(Outcome::of(order.state(), reason))
}

#[cfg(test)]
mod tests {
    use bytes::BufMut as _;
    use holdfast_kit::refusal::{CallError, Reason};
    use holdfast_proto::{
        order::{Order, OrderLine, OrderState, PlaceOrderRequest, PlaceOrderResponse},
        types::Refusal,
    };
    use http::HeaderMap;
    use prost::Message as _;

    use super::{Outcome, PREFIX_BYTES, framed, read, status_of};

    fn answer(state: OrderState, reason: Option<Reason>) -> Vec<u8> {
        let rejection = reason.map(|reason| Refusal {
            reason: reason.into(),
            ..Refusal::default()
        });
        let line = OrderLine {
            sku: "A".to_owned(),
            quantity: 1,
            ..OrderLine::default()
        };
        let order = Order {
            order_id: "id".to_owned(),
            state: state.into(),
            rejection,
            lines: vec![line],
            ..Order::default()
        };
        let message = PlaceOrderResponse {
            order: Some(order),
            replayed: false,
        };
        let mut frame = vec![0];
        frame.put_u32(u32::try_from(message.encoded_len()).unwrap());
        message.encode(&mut frame).unwrap();
        frame
    }

    #[test]
    fn answers_of_the_service_are_read_as_far_as_they_matter() {
        assert_eq!(
            read(&answer(OrderState::Confirmed, None)),
            Ok(Outcome::Confirmed)
        );
        let short = answer(OrderState::Rejected, Some(Reason::OutOfStock));
        assert_eq!(read(&short), Ok(Outcome::Refused("OUT_OF_STOCK")));
        for broken in [&[][..], &[0, 0, 0, 0, 0], &[0, 0, 0, 0, 1, 0xFF]] {
            assert!(
                matches!(read(broken), Err(CallError::Unknown(_))),
                "{broken:?}"
            );
        }
    }

    #[test]
    fn a_request_stands_in_its_frame() {
        let order = PlaceOrderRequest {
            customer_id: "ada".to_owned(),
            ..Default::default()
        };
        let frame = framed(&order);
        assert_eq!(frame[..PREFIX_BYTES], [0, 0, 0, 0, 5]);
        assert_eq!(
            PlaceOrderRequest::decode(&frame[PREFIX_BYTES..]).unwrap(),
            order
        );
    }

    #[test]
    fn only_another_status_than_ok_is_an_error() {
        let headers = |status: &'static str| {
            HeaderMap::from_iter([("grpc-status".parse().unwrap(), status.parse().unwrap())])
        };
        assert_eq!(status_of(&headers("0")), None);
        assert_eq!(status_of(&HeaderMap::new()), None);
        // Without Holdfast's ErrorInfo no code is a refusal.
        let error = status_of(&headers("9"));
        assert!(matches!(error, Some(CallError::Unknown(_))), "{error:?}");
    }
}
