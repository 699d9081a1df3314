//! The limits of the transport, on both sides.
//! Each is set on purpose and by name, and a test reads the server's off the wire; the defaults of
//! the libraries are open where they matter (streams without end, no keep-alive).

use std::time::Duration;

/// Connections that a server holds at once; a further one is closed as it comes.
pub const CONNECTIONS_MAX: usize = 1_024;

/// Calls in flight on one connection. A client beyond it waits on its own side.
pub const STREAMS_MAX: u32 = 2_048;

/// Bytes that one call may have on the way before it is read: a few batches of a full 512 items.
pub const STREAM_WINDOW_BYTES: u32 = 1024 * 1024;

/// Bytes that all calls of a connection may have on the way before they are read.
pub const CONNECTION_WINDOW_BYTES: u32 = 4 * 1024 * 1024;

/// Bytes of one HTTP/2 frame; a batch is a handful of frames.
pub const FRAME_BYTES_MAX: u32 = 64 * 1024;

/// Bytes of the headers of one call, as HTTP/2 counts them.
pub const HEADER_LIST_BYTES_MAX: u32 = 16 * 1024;

/// Bytes of one message: what tonic decodes at most by default. A service that takes less sets its own
/// limit.
pub const MESSAGE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// How often a silent connection is asked whether it is still there.
pub const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(20);

/// How long its answer may take before the connection is taken for gone.
pub const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long calls in flight may take to end once the server drains; then they are cut off.
pub const DRAIN_MAX: Duration = Duration::from_secs(10);

/// How long a new connection may stay silent.
pub(super) const FIRST_BYTES_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the server pauses when the process has no file descriptor left for a connection.
pub(super) const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Calls that clients reset before the server has looked at them (the "rapid reset" attack).
pub(super) const PENDING_RESETS_MAX: usize = 256;

/// Streams of a connection that the server itself reset for the client's errors.
pub(super) const LOCAL_ERROR_RESETS_MAX: usize = 256;

/// Bytes of answers that a connection buffers for one call whose client does not read.
pub(super) const SEND_BUFFER_BYTES: usize = 512 * 1024;

/// How long a client tries to connect.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Calls that wait in a client's channel to be sent.
pub(super) const CHANNEL_QUEUE: usize = 1_024;
