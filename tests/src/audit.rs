//! The auditor, run as an operator runs it.
//!
//! The rule: its exit code decides, and what it could not read is not a PASS.

use std::{path::Path, process::Stdio, time::Duration};

use anyhow::{Context as _, ensure};
use holdfast_postgres::Databases;

use crate::cluster::audit_environment;

/// How long it may take, the wait for rest included.
const AUDITED_WITHIN: Duration = Duration::from_secs(120);

/// Waits for rest, checks every predicate, and gives the summary line.
///
/// # Errors
/// With everything it said, if its verdict is not PASS.
pub async fn at_rest(binary: &Path, databases: &Databases) -> anyhow::Result<String> {
    let output = tokio::process::Command::new(binary)
        .args(["audit", "--at-rest"])
        .envs(audit_environment(databases))
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(AUDITED_WITHIN, output)
        .await
        .context("no verdict in time")??;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complained = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "the audit ended with {}\n{said}{complained}",
        output.status
    );
    let summary = said.lines().rfind(|line| line.starts_with("audit:"));
    Ok(summary.context("an audit without a summary")?.to_owned())
}
