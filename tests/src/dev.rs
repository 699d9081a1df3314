//! `holdfast dev`, as a new user starts it.
//!
//! The rule: what it answers on is read from what it prints, as a person would.

use std::{
    collections::HashMap, fs::Permissions, net::SocketAddr, os::unix::fs::PermissionsExt as _,
    time::Duration,
};

use anyhow::{Context as _, ensure};
use rustix::process::Signal;
use sqlx::{Connection as _, PgConnection};
use tempfile::TempDir;

use crate::{
    binary,
    eventually::eventually,
    process::{Process, Program},
};

/// How long a first start may take.
const GREETS_WITHIN: Duration = Duration::from_secs(120);
/// How long it may take to stop.
const STOPS_WITHIN: Duration = Duration::from_secs(30);
/// Postgres may run as another user, who must be able to pass through to its data.
const DIR_MODE: u32 = 0o711;
/// The last line of the greeting begins so.
const GREETED: &str = "Ctrl-C";

/// A running `holdfast dev` on a data directory of its own.
#[derive(Debug)]
pub struct Dev {
    process: Process,
    addresses: HashMap<String, SocketAddr>,
    dir: TempDir,
}

impl Dev {
    /// Starts it on any free ports and waits for its greeting.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn start() -> anyhow::Result<Dev> {
        let dir = tempfile::Builder::new()
            .prefix("holdfast-show-")
            .permissions(Permissions::from_mode(DIR_MODE))
            .tempdir()?;
        let data = dir.path().join("data");
        let args = ["dev", "--port-base", "0", "--data-dir"].map(str::to_owned);
        let program = Program {
            path: &binary::holdfast()?,
            args: &[&args[..], &[data.display().to_string()]].concat(),
            env: &[],
        };
        let process = Process::spawn("dev", program, &dir.path().join("dev.log"))?;
        let greeting = eventually("dev greets", GREETS_WITHIN, async || {
            ensure!(
                process.exit_status().is_none(),
                "dev ended\n{}",
                process.last_words()
            );
            let said = process.log()?;
            let greeted = said.lines().any(|line| line.starts_with(GREETED));
            Ok(greeted.then_some(said))
        });
        Ok(Dev {
            addresses: addresses(&greeting.await?),
            process,
            dir,
        })
    }

    /// Where a role answers.
    ///
    /// # Errors
    /// If the greeting did not say.
    pub fn address(&self, role: &str) -> anyhow::Result<SocketAddr> {
        self.addresses
            .get(role)
            .copied()
            .with_context(|| format!("dev did not say where {role} is"))
    }

    /// A connection to the database of a role, by the URL that it left in its data directory.
    ///
    /// # Errors
    /// If it left none, or the database cannot be reached.
    pub async fn database(&self, role: &str) -> anyhow::Result<PgConnection> {
        let text = std::fs::read_to_string(self.dir.path().join("data/environment"))?;
        let variable = format!("HOLDFAST_{}_DATABASE_URL=", role.to_uppercase());
        let url = text.lines().find_map(|line| line.strip_prefix(&variable));
        let url = url.with_context(|| format!("no {variable} in dev's environment file"))?;
        Ok(PgConnection::connect(url).await?)
    }

    /// Asks it to stop, and checks that it did, and took its Postgres with it.
    ///
    /// # Errors
    /// If it does not stop in order, or leaves its Postgres behind.
    pub async fn stop(self) -> anyhow::Result<()> {
        let postgres = self.address("postgres")?;
        self.process.signal(Signal::TERM);
        let status = self.process.ended(STOPS_WITHIN).await?;
        ensure!(
            status.success(),
            "dev stopped with {status}\n{}",
            self.process.last_words()
        );
        let left = tokio::net::TcpStream::connect(postgres).await.is_ok();
        ensure!(!left, "dev stopped and left its postgres behind");
        Ok(())
    }
}

/// The rows of the greeting: a role, and the first address behind it.
fn addresses(greeting: &str) -> HashMap<String, SocketAddr> {
    let row = |line: &str| {
        let mut words = line.split_whitespace();
        let role = words.next()?.to_owned();
        Some((role, words.next()?.parse().ok()?))
    };
    greeting.lines().filter_map(row).collect()
}
