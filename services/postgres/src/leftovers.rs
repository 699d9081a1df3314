//! Clears what a run that died has left behind: a postmaster that still runs, its backends, a pid
//! file that names a process which is now somebody else's.
//!
//! The rule: a process belongs to a data directory if it is called `postgres` and works there
//! (PostgreSQL changes into its data directory and stays). Nothing else is ever signalled. The pid
//! file goes only when no such process is left, because it is what keeps two servers apart.

use std::{
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use crate::{Error, error::file, keeper::POLL};

/// How long an orphan gets for a fast shutdown, its checkpoint included.
const FAST_WAIT_MAX: Duration = Duration::from_secs(60);
/// How long an orphan gets for an immediate shutdown; then it is killed.
const IMMEDIATE_WAIT_MAX: Duration = Duration::from_secs(10);

/// Sees to it that no server works on `pgdata`. The caller holds the data directory's lock.
///
/// # Errors
/// [`Error::TooSlow`] if a process outlives even SIGKILL (a disk that hangs).
pub(crate) fn clear(pgdata: &Path, log: &Path) -> Result<(), Error> {
    let pid_file = pgdata.join("postmaster.pid");
    let postmaster = postmaster_of(&pid_file);
    if let Some(orphan) = postmaster.filter(|pid| workers(pgdata).contains(pid)) {
        tracing::warn!(
            process.id = orphan.as_raw_nonzero().get(),
            "stopping an orphaned postgres"
        );
        stop(orphan, pgdata, log)?;
    }
    // Backends without a postmaster notice that it is gone; one in a long statement, late.
    for signal in [Signal::QUIT, Signal::KILL] {
        for pid in workers(pgdata) {
            let _ = kill_process(pid, signal);
        }
        if gone(|| workers(pgdata).is_empty(), IMMEDIATE_WAIT_MAX) {
            break;
        }
    }
    if let Some(pid) = workers(pgdata).first() {
        return Err(too_slow(*pid, IMMEDIATE_WAIT_MAX, log));
    }
    // PostgreSQL itself clears a pid file whose process is gone, but takes any live process for a
    // postmaster.
    if let Some(reused) = postmaster_of(&pid_file).filter(|pid| test_kill_process(*pid).is_ok()) {
        tracing::info!(
            process.id = reused.as_raw_nonzero().get(),
            "removing a stale pid file"
        );
        fs::remove_file(&pid_file).map_err(file("remove", &pid_file))?;
    }
    Ok(())
}

fn stop(postmaster: Pid, pgdata: &Path, log: &Path) -> Result<(), Error> {
    let steps = [
        (Signal::INT, FAST_WAIT_MAX),
        (Signal::QUIT, IMMEDIATE_WAIT_MAX),
        (Signal::KILL, IMMEDIATE_WAIT_MAX),
    ];
    for (signal, wait_max) in steps {
        // It may have gone meanwhile; the condition below tells.
        let _ = kill_process(postmaster, signal);
        if gone(|| !workers(pgdata).contains(&postmaster), wait_max) {
            return Ok(());
        }
    }
    Err(too_slow(postmaster, IMMEDIATE_WAIT_MAX, log))
}

fn too_slow(pid: Pid, wait: Duration, log: &Path) -> Error {
    Error::TooSlow {
        pid: pid.as_raw_nonzero().get(),
        what: "end",
        seconds: wait.as_secs(),
        log: log.to_owned(),
    }
}

fn gone(condition: impl Fn() -> bool, wait_max: Duration) -> bool {
    let deadline = Instant::now() + wait_max;
    loop {
        if condition() {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        thread::sleep(POLL);
    }
}

/// The postgres processes that work in `pgdata`, which is an absolute path without links.
fn workers(pgdata: &Path) -> Vec<Pid> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter(|entry| {
            let process = entry.path();
            fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd == pgdata)
                && fs::read_to_string(process.join("comm")).is_ok_and(|comm| comm == "postgres\n")
        })
        .filter_map(|entry| {
            entry
                .file_name()
                .to_str()?
                .parse()
                .ok()
                .and_then(Pid::from_raw)
        })
        .collect()
}

fn postmaster_of(pid_file: &Path) -> Option<Pid> {
    let text = fs::read_to_string(pid_file).ok()?;
    text.lines()
        .next()?
        .trim()
        .parse()
        .ok()
        .and_then(Pid::from_raw)
}
