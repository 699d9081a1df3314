//! The Postgres of a cluster, apart from the services, so that either can die alone.
//!
//! The rule: a crash is a real one. The postmaster gets the signal of an immediate shutdown, which
//! writes nothing out, and the next start replays the log.

use std::{fs::Permissions, os::unix::fs::PermissionsExt as _, path::Path, time::Duration};

use anyhow::Context as _;
use holdfast_postgres::{
    BIN_VARIABLE, Database, Databases, EMBEDDED_VARIABLE, Location, Options, ParentDeath, Server,
    Source,
};
use rustix::process::{Pid, Signal, kill_process};
use sqlx::{Connection as _, PgConnection};
use tempfile::TempDir;

/// The server may run as another user, who must be able to pass through to its data.
const DIR_MODE: u32 = 0o711;
/// How long an immediate shutdown may take.
const CRASH_WITHIN: Duration = Duration::from_secs(10);

/// A private server with the four databases, and a directory that goes with it.
#[derive(Debug)]
pub struct Postgres {
    options: Options,
    server: Option<Server>,
    databases: Databases,
    // Last, so that it goes after the server.
    dir: TempDir,
}

impl Postgres {
    /// Makes and starts one; the databases are there and have no schema yet.
    ///
    /// # Errors
    /// If there are no binaries, or it does not start.
    pub async fn start() -> anyhow::Result<Postgres> {
        let dir = tempfile::Builder::new()
            .prefix("holdfast-tests-")
            .permissions(Permissions::from_mode(DIR_MODE))
            .tempdir()?;
        let mut options = Options {
            location: Location::Kept(dir.path().join("postgres")),
            source: source(),
            port: None,
            parent_death: ParentDeath::Stop,
        };
        let server = Server::start(options.clone()).await?;
        let databases = Databases::prepare(&server).await?;
        options.port = Some(server.port());
        Ok(Postgres {
            options,
            server: Some(server),
            databases,
            dir,
        })
    }

    /// The databases' URLs.
    pub fn databases(&self) -> &Databases {
        &self.databases
    }

    /// A directory for logs, which goes with the server.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// A connection with its owner's rights.
    ///
    /// # Errors
    /// If it cannot be had.
    pub async fn connect(&self, database: Database) -> anyhow::Result<PgConnection> {
        Ok(PgConnection::connect(self.databases.owner(database)).await?)
    }

    /// A connection with the superuser's rights.
    ///
    /// # Errors
    /// If it cannot be had.
    pub async fn connect_superuser(&self) -> anyhow::Result<PgConnection> {
        Ok(PgConnection::connect(self.databases.superuser()).await?)
    }

    /// Stops it in immediate mode, as `pg_ctl stop -m immediate` does.
    ///
    /// # Errors
    /// If it does not run, or does not end.
    pub async fn crash(&mut self) -> anyhow::Result<()> {
        let server = self.server.take().context("postgres does not run")?;
        quit(&server)?;
        tokio::time::timeout(CRASH_WITHIN, server.ended())
            .await
            .context("postgres does not end")?;
        Ok(())
    }

    /// Starts it again, on the same data and port.
    ///
    /// # Errors
    /// If it runs, or does not start.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        anyhow::ensure!(self.server.is_none(), "postgres runs");
        self.server = Some(Server::start(self.options.clone()).await?);
        Ok(())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // What is removed next need not be written out; the server waits for its own end.
        if let Some(server) = &self.server {
            let _ = quit(server);
        }
    }
}

fn quit(server: &Server) -> anyhow::Result<()> {
    let pid = Pid::from_raw(server.pid()).context("a process id is positive")?;
    Ok(kill_process(pid, Signal::QUIT)?)
}

/// The binaries that the surrounding command uses, if it says so.
fn source() -> Source {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    match (set(BIN_VARIABLE), set(EMBEDDED_VARIABLE)) {
        (Some(dir), _) => Source::Directory(dir.into()),
        (None, Some(_)) => Source::Embedded,
        (None, None) => Source::Installed,
    }
}
