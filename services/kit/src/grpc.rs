//! The gRPC server that every service answers with, and the channel that it calls others over.
//! One path per call: look up the method, read deadline and trace, run the handler, count. Nothing
//! on it allocates labels, and no limit of the transport is left at a default by accident.

mod access;
mod accounting;
mod call;
mod channel;
mod connection;
mod limits;
mod method;
mod reflection;
mod server;

pub use access::{AccessError, AccessTable};
pub use channel::{InvalidAddress, channel};
pub use limits::{
    CONNECTION_WINDOW_BYTES, CONNECTIONS_MAX, DRAIN_MAX, FRAME_BYTES_MAX, HEADER_LIST_BYTES_MAX,
    KEEPALIVE_INTERVAL, KEEPALIVE_TIMEOUT, MESSAGE_BYTES_MAX, STREAM_WINDOW_BYTES, STREAMS_MAX,
};
pub use method::GrpcService;
pub(crate) use server::check_loopback;
pub use server::{Ready, ServeError, Server, ServerConfig};
