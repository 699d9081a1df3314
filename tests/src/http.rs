//! The side ports' pages, read with as little HTTP as they need.

use std::{net::SocketAddr, time::Duration};

use anyhow::Context as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

/// How long a page may take.
const PAGE_WITHIN: Duration = Duration::from_secs(5);

/// A page of a side port.
#[derive(Clone, Debug)]
pub struct Page {
    /// The HTTP status.
    pub status: u16,
    /// What it says.
    pub body: String,
}

/// Reads a page.
///
/// # Errors
/// If nobody answers.
pub async fn get(address: SocketAddr, path: &str) -> anyhow::Result<Page> {
    timeout(PAGE_WITHIN, read(address, path))
        .await
        .context("the side port does not answer")?
}

async fn read(address: SocketAddr, path: &str) -> anyhow::Result<Page> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut text = String::new();
    stream.read_to_string(&mut text).await?;
    let (head, body) = text
        .split_once("\r\n\r\n")
        .context("an answer without an end of its head")?;
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    Ok(Page {
        status: status.context("an answer without a status")?,
        body: body.to_owned(),
    })
}

/// A metric's value on a /metrics page, all its labels summed; 0 if it is not there.
pub fn metric(page: &str, name: &str) -> f64 {
    let of_metric = |line: &&str| {
        line.strip_prefix(name)
            .is_some_and(|rest| rest.starts_with('{') || rest.starts_with(' '))
    };
    let value = |line: &str| {
        line.rsplit(' ')
            .next()
            .and_then(|value| value.parse::<f64>().ok())
    };
    page.lines().filter(of_metric).filter_map(value).sum()
}
