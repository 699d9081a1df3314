//! Ports for the processes of a cluster.
//!
//! The rule: they lie below the range from which the kernel gives ports to outgoing connections, so
//! that nobody takes one while its process is being restarted.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::atomic::{AtomicU16, Ordering},
};

use anyhow::Context as _;

const FIRST: u16 = 12_000;
const COUNT: u16 = 20_000;
/// Test processes start at different places; each has so many ports to itself before they meet.
const STRIDE: u32 = 61;

/// A port of 127.0.0.1 that is free now and that this process has not had before.
///
/// # Errors
/// If none is free.
pub fn free() -> anyhow::Result<SocketAddr> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = std::process::id().wrapping_mul(STRIDE);
    for _ in 0..COUNT {
        let step = u32::from(NEXT.fetch_add(1, Ordering::Relaxed));
        let offset = start.wrapping_add(step) % u32::from(COUNT);
        let port = FIRST + u16::try_from(offset).context("the offset is below the count")?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if TcpListener::bind(address).is_ok() {
            return Ok(address);
        }
    }
    anyhow::bail!("no port of {FIRST} and the {COUNT} after it is free")
}
