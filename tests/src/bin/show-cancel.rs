//! A cancel against a finish, again and again: one winner, and nothing is kept.

use std::process::ExitCode;

use holdfast_tests::{
    cluster::{Cluster, Layout},
    scenario::cancel,
    verdict::{conclude, say},
};

const ORDERS: usize = 1_000;
const CALLERS: usize = 16;

#[tokio::main]
async fn main() -> ExitCode {
    conclude("cancel", show().await)
}

async fn show() -> anyhow::Result<String> {
    let cluster = Cluster::start(Layout::all()).await?;
    let cancelled = cancel::against_finish(&cluster, ORDERS, CALLERS).await?;
    say(&format!(
        "{ORDERS} orders, each cancelled at some moment: {cancelled}"
    ));
    let audit = cluster.audit().await?;
    cluster.finish().await?;
    Ok(format!(
        "{ORDERS} orders cancelled: {cancelled}; no money and no stock is kept; {audit}"
    ))
}
