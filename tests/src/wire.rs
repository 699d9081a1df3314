//! One gRPC call as bytes on a connection, for what no client library would send.

use std::net::SocketAddr;

use anyhow::Context as _;
use bytes::{BufMut as _, Bytes, BytesMut};
use prost::Message;
use tokio::net::TcpStream;
use tonic::{Code, Status};

/// Makes a unary call with these headers beside gRPC's own, and gives its status.
///
/// # Errors
/// If the connection fails, or the call ends without a status.
pub async fn call(
    address: SocketAddr,
    path: &str,
    headers: &[(&str, &str)],
    message: &impl Message,
) -> anyhow::Result<Status> {
    let stream = TcpStream::connect(address).await?;
    let (client, connection) = h2::client::handshake(stream).await?;
    let connection = tokio::spawn(connection);
    let mut request = http::Request::post(format!("http://{address}{path}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (response, mut body) = client
        .ready()
        .await?
        .send_request(request.body(())?, false)?;
    body.send_data(framed(message)?, true)?;

    let response = response.await?;
    let status = match Status::from_header_map(response.headers()) {
        Some(status) => status,
        None => {
            let mut body = response.into_body();
            while let Some(chunk) = body.data().await {
                let length = chunk?.len();
                body.flow_control().release_capacity(length)?;
            }
            let trailers = body
                .trailers()
                .await?
                .context("an answer without trailers")?;
            Status::from_header_map(&trailers).unwrap_or(Status::new(Code::Ok, ""))
        }
    };
    connection.abort();
    Ok(status)
}

/// A message behind gRPC's five bytes: not compressed, and its length.
fn framed(message: &impl Message) -> anyhow::Result<Bytes> {
    let mut bytes = BytesMut::with_capacity(5 + message.encoded_len());
    bytes.put_u8(0);
    bytes.put_u32(u32::try_from(message.encoded_len())?);
    message.encode(&mut bytes)?;
    Ok(bytes.freeze())
}
