//! Exactly what is there is sold, and crossed orders neither deadlock nor take a part.

use std::process::ExitCode;

use holdfast_tests::{
    cluster::{Cluster, Layout},
    scenario::oversell,
    verdict::{conclude, say},
};

const ORDERS: usize = 5_000;
const UNITS: usize = 500;
const CROSSED: usize = 10_000;
const CALLERS: usize = 64;

#[tokio::main]
async fn main() -> ExitCode {
    conclude("oversell", show().await)
}

async fn show() -> anyhow::Result<String> {
    let cluster = Cluster::start(Layout::all()).await?;
    let hot = oversell::one_sku(&cluster, ORDERS, UNITS).await?;
    say(&format!(
        "{ORDERS} orders at once for {UNITS} units: {hot}, none pending"
    ));
    let crossed = oversell::crossed(&cluster, CROSSED, CALLERS).await?;
    say(&format!(
        "{CROSSED} crossed orders from {CALLERS} callers: {crossed}, no deadlock"
    ));
    let audit = cluster.audit().await?;
    cluster.finish().await?;
    Ok(format!(
        "{ORDERS} orders for {UNITS} units: {hot}; {CROSSED} crossed: {crossed}; {audit}"
    ))
}
