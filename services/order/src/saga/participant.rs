//! How a participant's batch is called: with the step's own budget, never the caller's deadline, and
//! once, since the engine is the one layer that retries. A failed call leaves every item unknown.
//! A batch call belongs to the trace of its first order that has one, and is linked to the others'.

use std::{fmt, future::Future, time::Duration};

use holdfast_kit::{
    id::OrderId,
    refusal::{Reason, Refusal},
    trace::{self, TraceParent},
};
use holdfast_proto::types;
use saga_runtime::{Outcome, Undo};
use tonic::{Request, Response, Status};

/// What a batch call may take. Participants answer within 25 ms of work; the rest is for a
/// participant whose database is being restarted.
const BUDGET: Duration = Duration::from_secs(8);

/// What a batch asks for one order, with the trace that the order came with.
#[derive(Debug)]
pub(super) struct Linked<T> {
    item: T,
    link: Option<Link>,
}

/// A traced order.
#[derive(Clone, Copy, Debug)]
struct Link {
    order_id: OrderId,
    parent: TraceParent,
}

impl<T> Linked<T> {
    pub(super) fn new(item: T, order_id: OrderId, trace: Option<TraceParent>) -> Self {
        let link = trace.map(|parent| Link { order_id, parent });
        Self { item, link }
    }
}

/// A request with the step's budget, in the trace of its first traced order.
pub(super) fn request<I, T>(
    inputs: Vec<Linked<I>>,
    message: impl FnOnce(Vec<I>) -> T,
) -> Request<T> {
    // Without a traced order this allocates nothing.
    let links: Vec<Link> = inputs.iter().filter_map(|input| input.link).collect();
    let items = inputs.into_iter().map(|input| input.item).collect();
    let mut request = Request::new(message(items));
    request.set_timeout(BUDGET);
    if let Some(first) = links.first() {
        let span = first.parent.child();
        trace::inject(&mut request, Some(span));
        tracing::debug!(
            trace.id = span.trace_id(),
            span.id = span.span_id(),
            links = %Links(&links),
            "batch linked to its orders"
        );
    }
    request
}

/// The traced orders of a batch, as `trace/order` each; at most as many as a batch has items.
struct Links<'a>(&'a [Link]);

impl fmt::Display for Links<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, link) in self.0.iter().enumerate() {
            let space = if index == 0 { "" } else { " " };
            write!(f, "{space}{}/{}", link.parent.trace_id(), link.order_id)?;
        }
        Ok(())
    }
}

/// Awaits a batch call within its budget and checks that it answers for every item; else gives
/// what is to be said of each.
pub(super) async fn answered<R, T>(
    participant: &'static str,
    items: usize,
    call: impl Future<Output = Result<Response<R>, Status>>,
    results: impl FnOnce(R) -> Vec<T>,
) -> Result<Vec<T>, String> {
    let response = match tokio::time::timeout(BUDGET, call).await {
        Ok(Ok(response)) => response,
        Ok(Err(status)) => {
            return Err(format!("{participant} answered {:?}", status.code()));
        }
        Err(_) => return Err(format!("{participant} did not answer within {BUDGET:?}")),
    };
    let results = results(response.into_inner());
    if results.len() != items {
        return Err(format!(
            "{participant} gave {} answers for {items} items",
            results.len()
        ));
    }
    Ok(results)
}

/// An item's refusal: recorded by the participant, or an answer that cannot be.
pub(super) fn refused<T>(refusal: types::Refusal) -> Outcome<T, Refusal> {
    match Refusal::try_from(refusal) {
        Ok(refusal) if ends_an_order(refusal.reason) => Outcome::Refused(refusal),
        // Shed, or its database is away: nothing was decided.
        Ok(refusal) if refusal.retry_delay.is_some() => Outcome::InFlight {
            retry_after: refusal.retry_delay,
        },
        Ok(refusal) => Outcome::Impossible {
            error: format!("refused with {:?}: {}", refusal.reason, refusal.message),
        },
        Err(unknown) => Outcome::Impossible {
            error: format!("unknown reason {}", unknown.0),
        },
    }
}

/// The reasons with which a participant's refusal rejects an order.
fn ends_an_order(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::OutOfStock
            | Reason::UnknownSku
            | Reason::PaymentDeclined
            | Reason::AuthenticationRequired
    )
}

/// An item whose answer is not known.
pub(super) fn unknown<T>(unknown: &types::UnknownOutcome) -> Outcome<T, Refusal> {
    let retry_after = unknown
        .retry_delay
        .as_ref()
        .and_then(holdfast_kit::time::duration_from_wire);
    if unknown.reason() == Reason::InFlight {
        return Outcome::InFlight { retry_after };
    }
    Outcome::Unknown {
        error: unknown.message.clone(),
    }
}

/// What an undo's item came to, from the same outcomes.
pub(super) fn undone<T>(outcome: Outcome<T, Refusal>) -> Undo {
    match outcome {
        Outcome::Done(_) => Undo::Done,
        Outcome::InFlight { retry_after } => Undo::InFlight { retry_after },
        Outcome::Unknown { error } => Undo::Unknown { error },
        Outcome::Impossible { error } => Undo::Impossible { error },
        Outcome::Refused(refusal) => Undo::Impossible {
            error: format!("an undo was refused with {:?}", refusal.reason),
        },
        Outcome::Barred => Undo::Impossible {
            error: "an undo was barred".to_owned(),
        },
    }
}

/// An item without an outcome.
pub(super) fn empty<T>() -> Outcome<T, Refusal> {
    Outcome::Impossible {
        error: "an answer without an outcome".to_owned(),
    }
}
