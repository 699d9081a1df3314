//! A private PostgreSQL server: made, started, stopped.
//!
//! The rule: at most one server works on a data directory. The directory's lock comes first,
//! leftovers of a run that died are cleared second, and only then is anything started.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use rustix::process::Signal;

use crate::{
    Binaries, Error, Location, ParentDeath, Source,
    data_dir::DataDir,
    databases,
    identity::Identity,
    initdb::{initialize, made_by},
    keeper::Keeper,
    leftovers, postmaster,
};

/// How long a server may take for a fast shutdown, its checkpoint included.
const STOP_WAIT_MAX: Duration = Duration::from_secs(60);
/// How long a server may take for an immediate one, which writes nothing out; then it is killed.
const IMMEDIATE_WAIT_MAX: Duration = Duration::from_secs(10);

/// The file in a data directory that tells how to reach what runs on it, as the lines of a shell's
/// environment. It holds passwords.
pub const ENVIRONMENT_FILE: &str = "environment";

/// How to run a server.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where its data is.
    pub location: Location,
    /// Which binaries run it.
    pub source: Source,
    /// Its port on 127.0.0.1; without it that of the last start if it is free, else any free one.
    pub port: Option<u16>,
    /// What it does when this process dies without stopping it.
    pub parent_death: ParentDeath,
}

/// A running server, which stops when this is dropped.
#[derive(Debug)]
pub struct Server {
    keeper: Keeper,
    port: u16,
    binaries: Binaries,
    passwords: BTreeMap<String, String>,
    // Last, so that the lock is given back after the server has stopped.
    data_dir: DataDir,
}

impl Server {
    /// Makes the cluster if there is none, and starts it.
    ///
    /// # Errors
    /// [`Error::InUse`] if somebody else runs it: then nothing was changed. The others say what is
    /// missing.
    ///
    /// # Cancellation
    /// The start runs to its end on a thread of its own; the server it made is then stopped.
    pub async fn start(options: Options) -> Result<Server, Error> {
        let started = tokio::task::spawn_blocking(move || Server::start_blocking(&options)).await;
        started.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
    }

    fn start_blocking(options: &Options) -> Result<Server, Error> {
        let data_dir = DataDir::open(&options.location)?;
        let pgdata = data_dir.pgdata();
        let passwords = data_dir.passwords(&databases::roles())?;
        let made_by = made_by(&pgdata);
        let binaries = Binaries::find(&options.source, made_by)?;
        if let Some(made_by) = made_by.filter(|major| *major != binaries.major()) {
            return Err(Error::OtherMajor {
                dir: pgdata,
                made_by,
            });
        }
        let identity = match made_by {
            Some(_) => {
                leftovers::clear(&pgdata, &data_dir.log_path())?;
                Identity::choose(&pgdata, &binaries)?
            }
            None => initialize(&data_dir, &binaries, &passwords[databases::SUPERUSER])?,
        };
        let (keeper, port) = postmaster::start(&data_dir, &binaries, &identity, options)?;
        data_dir.set_last_port(port)?;
        Ok(Server {
            keeper,
            port,
            binaries,
            passwords,
            data_dir,
        })
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The postmaster's process id.
    pub fn pid(&self) -> i32 {
        self.keeper.pid()
    }

    /// The binaries that run it.
    pub fn binaries(&self) -> &Binaries {
        &self.binaries
    }

    /// Its log.
    pub fn log_path(&self) -> PathBuf {
        self.data_dir.log_path()
    }

    /// The URL by which `role` reaches `database`; it holds the password.
    pub(crate) fn url(&self, role: &str, database: &str) -> String {
        let (password, port) = (&self.passwords[role], self.port);
        format!("postgres://{role}:{password}@127.0.0.1:{port}/{database}")
    }

    /// The password of a role of ours.
    pub(crate) fn password(&self, role: &str) -> &str {
        &self.passwords[role]
    }

    /// Writes down, for whoever may read the data directory, how to reach what runs on it.
    ///
    /// # Errors
    /// [`Error::File`] if the file cannot be written.
    pub fn write_environment(&self, lines: &str) -> Result<(), Error> {
        self.data_dir
            .write_secret(&self.data_dir.path(ENVIRONMENT_FILE), lines)
    }

    /// Completes when the server has ended, whoever ended it.
    ///
    /// # Cancellation
    /// Safe: it only watches.
    pub async fn ended(&self) {
        self.keeper.ended().await;
    }

    /// Stops the server: open transactions are rolled back and, unless it is ephemeral, everything
    /// is written out.
    ///
    /// # Errors
    /// [`Error::TooSlow`] if even SIGKILL did not end it.
    ///
    /// # Cancellation
    /// The stop runs to its end on a thread of its own.
    pub async fn stop(self) -> Result<(), Error> {
        let stopped = tokio::task::spawn_blocking(move || self.stop_blocking()).await;
        stopped.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
    }

    fn stop_blocking(&self) -> Result<(), Error> {
        let fast = (Signal::INT, STOP_WAIT_MAX);
        let immediate = (Signal::QUIT, IMMEDIATE_WAIT_MAX);
        let killed = (Signal::KILL, IMMEDIATE_WAIT_MAX);
        let steps = match self.data_dir.is_ephemeral() {
            // What is removed next need not be written out.
            true => &[immediate, killed][..],
            false => &[fast, immediate, killed][..],
        };
        for (signal, wait_max) in steps.iter().copied() {
            self.keeper.signal(signal);
            if self.keeper.wait(wait_max) {
                return Ok(());
            }
        }
        Err(Error::TooSlow {
            pid: self.pid(),
            what: "stop",
            seconds: IMMEDIATE_WAIT_MAX.as_secs(),
            log: self.log_path(),
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Err(error) = self.stop_blocking() {
            tracing::error!(%error, "postgres is left behind");
        }
    }
}
