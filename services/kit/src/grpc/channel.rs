//! The channel over which one service calls another.
//! It connects when it is first used and again whenever it must; a call never waits longer than its
//! own deadline for it.

use tonic::transport::{Channel, Endpoint};

use super::limits;

/// The address is not `http://host:port`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an address such as http://127.0.0.1:50052")]
pub struct InvalidAddress(String);

/// Makes a channel to `host:port` or `http://host:port`; it connects with the first call.
///
/// # Errors
/// If the address is malformed.
pub fn channel(address: &str) -> Result<Channel, InvalidAddress> {
    let invalid = || InvalidAddress(address.to_owned());
    let url = match address.split_once("://") {
        None => format!("http://{address}"),
        Some(("http", _)) => address.to_owned(),
        Some(_) => return Err(invalid()),
    };
    let endpoint = Endpoint::from_shared(url).map_err(|_| invalid())?;
    let uri = endpoint.uri();
    if uri.host().is_none_or(str::is_empty) || uri.port_u16().is_none() {
        return Err(invalid());
    }
    Ok(endpoint
        .connect_timeout(limits::CONNECT_TIMEOUT)
        .tcp_nodelay(true)
        .tcp_keepalive(Some(limits::KEEPALIVE_INTERVAL))
        .http2_keep_alive_interval(limits::KEEPALIVE_INTERVAL)
        .keep_alive_timeout(limits::KEEPALIVE_TIMEOUT)
        .keep_alive_while_idle(true)
        .initial_stream_window_size(limits::STREAM_WINDOW_BYTES)
        .initial_connection_window_size(limits::CONNECTION_WINDOW_BYTES)
        .max_frame_size(limits::FRAME_BYTES_MAX)
        .http2_max_header_list_size(limits::HEADER_LIST_BYTES_MAX)
        .buffer_size(limits::CHANNEL_QUEUE)
        .connect_lazy())
}

#[cfg(test)]
mod tests {
    use super::channel;

    #[tokio::test]
    async fn addresses_need_a_host_and_a_port() {
        for good in [
            "127.0.0.1:50052",
            "http://localhost:1",
            "http://[::1]:50052",
        ] {
            assert!(channel(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "localhost",
            "http://localhost",
            "https://localhost:1",
            ":50052",
            "a b:1",
        ] {
            assert!(channel(bad).is_err(), "{bad}");
        }
    }
}
