//! Holds the postmaster's process: starts it, waits for its end, sends it signals.
//!
//! The rule: one thread starts the postmaster and lives as long as it does. The kernel sends the
//! signal of a parent's death when the *thread* that forked ends, and a runtime's threads come and
//! go.

use std::{
    io,
    process::{Command, ExitStatus},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::sync::watch;

/// How often a condition without an event of its own is looked at.
pub(crate) const POLL: Duration = Duration::from_millis(10);

/// What the server does when the process that started it dies without stopping it.
#[derive(clap::ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ParentDeath {
    /// It stops too, as if it had been asked to: nothing is left behind.
    #[default]
    Stop,
    /// It runs on; the next start on its data directory stops it first.
    Survive,
}

/// A running child process and the thread that waits for it.
#[derive(Debug)]
pub(crate) struct Keeper {
    pid: Pid,
    exit: watch::Receiver<Option<ExitStatus>>,
}

impl Keeper {
    /// Starts the command on a thread of its own.
    pub(crate) fn spawn(mut command: Command) -> io::Result<Keeper> {
        let (started, start) = mpsc::channel();
        let (exited, exit) = watch::channel(None);
        thread::Builder::new()
            .name("postmaster".into())
            .spawn(move || {
                let mut child = match command.spawn() {
                    Ok(child) => child,
                    Err(error) => {
                        let _ = started.send(Err(error));
                        return;
                    }
                };
                let _ = started.send(Ok(child.id()));
                let status = child
                    .wait()
                    .expect("the child is ours and nobody else waits for it");
                exited.send_replace(Some(status));
            })?;
        let id = start.recv().map_err(io::Error::other)??;
        let pid = i32::try_from(id).ok().and_then(Pid::from_raw);
        Ok(Keeper {
            pid: pid.expect("the kernel's process ids are positive"),
            exit,
        })
    }

    /// The process id.
    pub(crate) fn pid(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    /// How the process ended, if it has.
    pub(crate) fn exit_status(&self) -> Option<ExitStatus> {
        *self.exit.borrow()
    }

    /// Sends a signal, unless the process has ended.
    pub(crate) fn signal(&self, signal: Signal) {
        if self.exit_status().is_none() {
            // It may end this very moment, which is what the signals are for.
            let _ = kill_process(self.pid, signal);
        }
    }

    /// Blocks until the process has ended, for at most `wait_max`; tells whether it has.
    pub(crate) fn wait(&self, wait_max: Duration) -> bool {
        let deadline = Instant::now() + wait_max;
        while self.exit_status().is_none() {
            if Instant::now() >= deadline {
                return false;
            }
            thread::sleep(POLL);
        }
        true
    }

    /// Completes when the process has ended.
    ///
    /// # Cancellation
    /// Safe: it only watches.
    pub(crate) async fn ended(&self) -> ExitStatus {
        let mut exit = self.exit.clone();
        let ended = exit.wait_for(Option::is_some).await;
        ended
            .ok()
            .and_then(|status| *status)
            .expect("the thread sends the status before it ends")
    }
}
