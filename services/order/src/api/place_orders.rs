//! PlaceOrders: many orders in flight on one stream, an answer per message in any order. The stream
//! is read no further while as many orders are in flight as it takes, so that flow control holds
//! the sender back. Once the process is to stop, the stream answers what it has read and ends with
//! NOT_SERVING; what it had not read was not placed.

use std::{pin::Pin, sync::Arc};

use futures::{Stream, StreamExt, stream};
use holdfast_kit::{
    refusal::{CallError, Refusal, Unknown},
    trace::TraceParent,
};
use holdfast_proto::order::{self as wire, place_orders_response::Outcome};
use prost::Message;
use tokio_util::sync::CancellationToken;
use tonic::{Status, Streaming};

use crate::{
    convert::{self, View},
    placer::Placer,
};

/// Orders of one stream in flight at once.
const IN_FLIGHT_MAX: usize = 2_048;
/// Bytes of one message at the most.
const MESSAGE_BYTES_MAX: usize = 256 * 1_024;

pub(crate) type Answers =
    Pin<Box<dyn Stream<Item = Result<wire::PlaceOrdersResponse, Status>> + Send>>;

pub(super) fn place_orders(
    placer: &Arc<Placer>,
    // The stream's call has one; its messages have none of their own.
    trace: Option<TraceParent>,
    messages: Streaming<wire::PlaceOrdersRequest>,
    shutdown: CancellationToken,
) -> Answers {
    let placer = Arc::clone(placer);
    let read = messages.take_until(shutdown.clone().cancelled_owned());
    let placed = read.map(move |message| {
        let placer = Arc::clone(&placer);
        async move {
            match message {
                Ok(message) => Ok(answer(&placer, trace, message).await),
                Err(status) => Err(status),
            }
        }
    });
    let answered = placed.buffer_unordered(IN_FLIGHT_MAX);
    Box::pin(to_first_error(answered.chain(last_word(shutdown))))
}

/// What a stream says after its last answer: nothing, unless the process stops.
fn last_word<T>(shutdown: CancellationToken) -> impl Stream<Item = Result<T, Status>> {
    stream::once(async move { shutdown.is_cancelled() })
        .filter(|stops| std::future::ready(*stops))
        .map(|_| Err(Unknown::not_serving().into()))
}

/// Ends the stream with its first error: the transport is gone by then.
fn to_first_error<T>(
    answers: impl Stream<Item = Result<T, Status>>,
) -> impl Stream<Item = Result<T, Status>> {
    answers.scan(false, |failed, answer| {
        let next = (!*failed).then_some(answer);
        *failed |= matches!(next, Some(Err(_)));
        std::future::ready(next)
    })
}

async fn answer(
    placer: &Placer,
    trace: Option<TraceParent>,
    message: wire::PlaceOrdersRequest,
) -> wire::PlaceOrdersResponse {
    let sequence = message.sequence;
    let (outcome, replayed) = match place(placer, trace, message).await {
        Ok((order, replayed)) => (Outcome::Order(order), replayed),
        Err(CallError::Refused(refusal)) => (Outcome::Refusal(refusal.into()), false),
        Err(CallError::Unknown(unknown)) => (Outcome::Unknown(unknown.into()), false),
    };
    wire::PlaceOrdersResponse {
        sequence,
        outcome: Some(outcome),
        replayed,
    }
}

async fn place(
    placer: &Placer,
    trace: Option<TraceParent>,
    message: wire::PlaceOrdersRequest,
) -> Result<(wire::Order, bool), CallError> {
    if message.encoded_len() > MESSAGE_BYTES_MAX {
        let description = format!("at most {MESSAGE_BYTES_MAX} bytes");
        return Err(Refusal::invalid_field("order", description).into());
    }
    let order = message
        .order
        .ok_or_else(|| Refusal::invalid_field("order", "required"))?;
    let asked = convert::placement(order)?;
    let (order, replayed) = placer.place(asked, None, trace).await?;
    Ok((convert::order(&order, View::Basic), replayed))
}
