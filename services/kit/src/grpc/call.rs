//! One call: deadline and trace on the way in, counts and log on the way out.
//! A call without time left never reaches its handler. At its deadline a call loses its handler's
//! future, as when its caller goes away: the work that the handler has handed off goes on.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::{Body as HttpBody, Frame};
use hyper::body::Incoming;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::body::Body;
use tonic::{Code, Status};
use tracing::Instrument;

use super::accounting::InFlight;
use super::method::{Kind, Method, Methods};
use crate::deadline::{self, Deadline};
use crate::refusal::Unknown;
use crate::trace::TraceParent;

/// What all connections of a server share.
pub(super) struct Calls {
    pub(super) methods: Methods,
    pub(super) draining: CancellationToken,
}

impl Calls {
    /// Answers one call; every failure is a gRPC status.
    ///
    /// # Cancellation
    /// Dropping it drops the handler's future and counts the call as cancelled.
    pub(super) async fn answer(
        self: Arc<Self>,
        mut request: Request<Incoming>,
    ) -> Result<Response<Body>, Infallible> {
        let Some(method) = self.methods.find(request.uri().path()) else {
            return Ok(Status::unimplemented("no such method").into_http());
        };
        let in_flight = InFlight::begin(Arc::clone(&method.account));
        let deadline = match deadline_of(request.headers()) {
            Ok(deadline) => deadline,
            Err(status) => {
                in_flight.finish(status.code());
                return Ok(status.into_http());
            }
        };
        if let Some(deadline) = deadline {
            request.extensions_mut().insert(Deadline(deadline));
        }
        let parent = TraceParent::from_headers(request.headers());
        if let Some(parent) = parent {
            request.extensions_mut().insert(parent);
        }
        let handled = deadline::wait(deadline, method.handler.answer(request));
        let handled = match parent {
            Some(parent) => handled.instrument(span_of(method, &parent)).await,
            None => handled.await,
        };
        let response = handled
            .unwrap_or_else(|pending| Ok(Status::from(pending).into_http()))
            .unwrap_or_else(|never: Infallible| match never {});
        Ok(self.finish(method, in_flight, response, deadline, parent))
    }

    /// Ends a call whose answer is whole, or gives its stream the call to end.
    fn finish(
        &self,
        method: &Method,
        in_flight: InFlight,
        response: Response<Body>,
        deadline: Option<Instant>,
        parent: Option<TraceParent>,
    ) -> Response<Body> {
        // A failed call is answered with headers alone; a streaming one may also fail at its end.
        let failed = response.headers().get(Status::GRPC_STATUS);
        let code = failed.map_or(Code::Ok, |value| Code::from_bytes(value.as_bytes()));
        if failed.is_none() && method.streams {
            let draining = match method.kind {
                Kind::Platform => Some(Box::pin(self.draining.clone().cancelled_owned())),
                Kind::Business => None,
            };
            let deadline = deadline.map(|at| Box::pin(tokio::time::sleep_until(at)));
            return response.map(|inner| {
                Body::new(Streaming {
                    inner,
                    in_flight: Some(in_flight),
                    deadline,
                    draining,
                })
            });
        }
        if code == Code::Internal {
            log_internal(method, response.headers(), parent);
        }
        in_flight.finish(code);
        response
    }
}

/// Logs a call that ended with INTERNAL. Handlers send ErrorInfo with it; without, it was the
/// transport, and most likely a message that is none of the method's.
fn log_internal(method: &Method, headers: &HeaderMap, parent: Option<TraceParent>) {
    let trace_id = parent.as_ref().map(TraceParent::trace_id);
    let status = Status::from_header_map(headers);
    let message = status.as_ref().map(Status::message);
    if status
        .as_ref()
        .is_some_and(|status| !status.details().is_empty())
    {
        tracing::error!(
            rpc.method = method.path,
            trace.id = trace_id,
            "a call failed by a defect"
        );
    } else {
        tracing::info!(
            rpc.method = method.path,
            trace.id = trace_id,
            rpc.message = message,
            "unreadable call"
        );
    }
}

fn span_of(method: &Method, parent: &TraceParent) -> tracing::Span {
    tracing::info_span!(
        "rpc",
        rpc.method = method.path,
        trace.id = parent.trace_id(),
        trace.parent = parent.span_id(),
    )
}

fn deadline_of(headers: &HeaderMap) -> Result<Option<Instant>, Status> {
    let arrived = Instant::now();
    let Some(left) = deadline::time_left(headers).map_err(Status::from)? else {
        return Ok(None);
    };
    let deadline = arrived + left;
    if deadline <= Instant::now() {
        Err(deadline::past().into())
    } else {
        Ok(Some(deadline))
    }
}

/// The body of a streaming answer: it ends the call, at its end, its deadline or the drain.
struct Streaming {
    inner: Body,
    in_flight: Option<InFlight>,
    deadline: Option<Pin<Box<tokio::time::Sleep>>>,
    draining: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
}

impl Streaming {
    fn end(&mut self, code: Code) {
        self.inner = Body::empty();
        self.deadline = None;
        self.draining = None;
        if let Some(in_flight) = self.in_flight.take() {
            in_flight.finish(code);
        }
    }

    /// Tells whether something other than the handler ends the stream now.
    fn interrupted(&mut self, cx: &mut Context<'_>) -> Option<Unknown> {
        if let Some(deadline) = &mut self.deadline
            && deadline.as_mut().poll(cx).is_ready()
        {
            return Some(Unknown::answer_pending());
        }
        if let Some(draining) = &mut self.draining
            && draining.as_mut().poll(cx).is_ready()
        {
            return Some(Unknown::not_serving());
        }
        None
    }
}

impl HttpBody for Streaming {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.in_flight.is_none() {
            return Poll::Ready(None);
        }
        if let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(cx) {
            match &frame {
                Some(Ok(frame)) => {
                    if let Some(trailers) = frame.trailers_ref() {
                        let status = Status::from_header_map(trailers);
                        self.end(status.map_or(Code::Ok, |status| status.code()));
                    }
                }
                Some(Err(status)) => self.end(status.code()),
                None => self.end(Code::Ok),
            }
            return Poll::Ready(frame);
        }
        match self.interrupted(cx) {
            None => Poll::Pending,
            Some(unknown) => {
                let status = Status::from(unknown);
                self.end(status.code());
                let mut trailers = HeaderMap::new();
                status.add_header(&mut trailers)?;
                Poll::Ready(Some(Ok(Frame::trailers(trailers))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.in_flight.is_none()
    }
}
