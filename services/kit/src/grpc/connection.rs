//! Accepting connections, serving HTTP/2 on them, and letting them end.
//! It drives hyper itself: tonic's server puts its own timeout around every call, which would start
//! work at deadline 0 and answer CANCELLED.

use std::sync::Arc;

use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::call::Calls;
use super::limits;

/// The two steps of stopping.
#[derive(Clone)]
pub(super) struct Stop {
    /// No further connection, no further call.
    pub(super) draining: CancellationToken,
    /// No further waiting for calls in flight.
    pub(super) cut_off: CancellationToken,
}

fn http2_server() -> http2::Builder<TokioExecutor> {
    let mut server = http2::Builder::new(TokioExecutor::new());
    server
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits::STREAMS_MAX)
        .adaptive_window(false)
        .initial_stream_window_size(limits::STREAM_WINDOW_BYTES)
        .initial_connection_window_size(limits::CONNECTION_WINDOW_BYTES)
        .max_frame_size(limits::FRAME_BYTES_MAX)
        .max_header_list_size(limits::HEADER_LIST_BYTES_MAX)
        .max_send_buf_size(limits::SEND_BUFFER_BYTES)
        .max_pending_accept_reset_streams(limits::PENDING_RESETS_MAX)
        .max_local_error_reset_streams(limits::LOCAL_ERROR_RESETS_MAX)
        .keep_alive_interval(limits::KEEPALIVE_INTERVAL)
        .keep_alive_timeout(limits::KEEPALIVE_TIMEOUT)
        .auto_date_header(false);
    server
}

/// Takes connections until the drain begins; each runs in a task that `tasks` waits for.
pub(super) async fn accept(
    listener: TcpListener,
    calls: Arc<Calls>,
    stop: Stop,
    tasks: &TaskTracker,
) {
    let permits = Arc::new(Semaphore::new(limits::CONNECTIONS_MAX));
    let turned_away = metrics::counter!("grpc_server_connections_turned_away_total");
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.draining.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => match Arc::clone(&permits).try_acquire_owned() {
                Ok(permit) => {
                    tasks.spawn(serve(stream, permit, Arc::clone(&calls), stop.clone()));
                }
                Err(_) => turned_away.increment(1),
            },
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "no connection can be accepted");
                tokio::time::sleep(limits::ACCEPT_PAUSE).await;
            }
        }
    }
}

fn is_of_one_connection(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted
    )
}

async fn serve(stream: TcpStream, permit: OwnedSemaphorePermit, calls: Arc<Calls>, stop: Stop) {
    let _permit = permit;
    let spoke = tokio::select! {
        spoke = tokio::time::timeout(limits::FIRST_BYTES_TIMEOUT, stream.readable()) => spoke,
        () = stop.draining.cancelled() => return,
    };
    if !matches!(spoke, Ok(Ok(()))) || stream.set_nodelay(true).is_err() {
        return;
    }
    let service = service_fn(move |request| Arc::clone(&calls).answer(request));
    let mut connection =
        std::pin::pin!(http2_server().serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.draining.cancelled() => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                ended = connection.as_mut() => ended,
                () = stop.cut_off.cancelled() => return,
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended badly");
    }
}
