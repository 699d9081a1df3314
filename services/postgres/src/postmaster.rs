//! Starts the postmaster and waits until it takes connections.
//!
//! The rule: its own pid file says when it is ready; nothing is guessed from a port that answers.

use std::{
    fs, io,
    net::TcpListener,
    os::unix::process::CommandExt,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use rustix::process::Signal;

use crate::{
    Binaries, Error, Options,
    data_dir::DataDir,
    error::file,
    identity::Identity,
    keeper::{Keeper, POLL},
    settings,
};

/// How long a server may take to come up; it may have a lot of WAL to replay.
const START_WAIT_MAX: Duration = Duration::from_secs(600);
/// How long one that did not come up may take for an immediate shutdown.
const GIVE_UP_WAIT_MAX: Duration = Duration::from_secs(10);
/// How many free ports are tried, since another process may take one before the server does.
const PORT_TRIES_MAX: usize = 5;
/// How much of a log goes into an error.
const LOG_LINES_MAX: usize = 8;

/// Starts the server on a port that nobody else has, and waits until it takes connections.
pub(crate) fn start(
    data_dir: &DataDir,
    binaries: &Binaries,
    identity: &Identity,
    options: &Options,
) -> Result<(Keeper, u16), Error> {
    let config = data_dir.path("postgresql.conf");
    let mut tries = 0;
    loop {
        tries += 1;
        let port = match options.port {
            Some(port) => port,
            None => free_port(data_dir.last_port().filter(|_| tries == 1))?,
        };
        settings::write(data_dir, port)?;
        let log = data_dir.open_log()?;
        let log_start = log.metadata().map_or(0, |log| log.len());
        let mut postgres = identity.command(&binaries.program("postgres"), options.parent_death);
        postgres
            .arg("-D")
            .arg(data_dir.pgdata())
            .arg("-c")
            .arg(format!("config_file={}", config.display()))
            // A terminal's Ctrl-C is for whoever started us; the server is stopped last.
            .process_group(0)
            .stdout(
                log.try_clone()
                    .map_err(file("open", &data_dir.log_path()))?,
            )
            .stderr(log);
        let failed = |why: String| Error::Program {
            program: "postgres".into(),
            why,
        };
        let keeper = Keeper::spawn(postgres).map_err(|error| failed(error.to_string()))?;
        match wait_until_ready(&keeper, &data_dir.pgdata(), &data_dir.log_path())? {
            Readiness::Ready => return Ok((keeper, port)),
            Readiness::Ended => {
                let said = log_since(&data_dir.log_path(), log_start);
                let taken = said.contains("Address already in use") && options.port.is_none();
                if !taken || tries == PORT_TRIES_MAX {
                    return Err(failed(last_lines(&said)));
                }
            }
        }
    }
}

enum Readiness {
    Ready,
    Ended,
}

/// Waits for the status line that the postmaster writes into its pid file.
fn wait_until_ready(keeper: &Keeper, pgdata: &Path, log: &Path) -> Result<Readiness, Error> {
    const STATUS_LINE: usize = 7;
    let pid = keeper.pid().to_string();
    let deadline = Instant::now() + START_WAIT_MAX;
    while keeper.exit_status().is_none() {
        let text = fs::read_to_string(pgdata.join("postmaster.pid")).unwrap_or_default();
        let mut lines = text.lines().map(str::trim);
        if lines.next() == Some(&pid) && lines.nth(STATUS_LINE - 1) == Some("ready") {
            return Ok(Readiness::Ready);
        }
        if Instant::now() >= deadline {
            keeper.signal(Signal::QUIT);
            keeper.wait(GIVE_UP_WAIT_MAX);
            let seconds = START_WAIT_MAX.as_secs();
            let log = log.to_owned();
            return Err(Error::TooSlow {
                pid: keeper.pid(),
                what: "start",
                seconds,
                log,
            });
        }
        thread::sleep(POLL);
    }
    Ok(Readiness::Ended)
}

fn free_port(preferred: Option<u16>) -> Result<u16, Error> {
    let listen = |port| TcpListener::bind(("127.0.0.1", port));
    let listener = match preferred.map(listen) {
        Some(Ok(listener)) => Ok(listener),
        Some(Err(_)) | None => listen(0),
    };
    let port = listener
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port());
    port.map_err(|source: io::Error| Error::File {
        what: "find a free port on",
        path: "127.0.0.1".into(),
        source,
    })
}

fn log_since(path: &Path, start: u64) -> String {
    let bytes = fs::read(path).unwrap_or_default();
    let start = usize::try_from(start).unwrap_or(0).min(bytes.len());
    String::from_utf8_lossy(&bytes[start..]).into_owned()
}

fn last_lines(text: &str) -> String {
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(LOG_LINES_MAX)..].join("\n")
}
