//! One process of the executable under test, with its log in a file.
//!
//! The rule: only what was started here is ever signalled, by its id, while it has not been waited
//! for. It is killed when this is dropped, and by the kernel when the test dies first.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use rustix::process::{Pid, Signal, kill_process};
use tokio::sync::watch;

/// How long a killed process may take to be gone.
const GONE_WITHIN: Duration = Duration::from_secs(10);
/// How much of a log goes into an error.
const LOG_LINES_MAX: usize = 30;

/// A running process.
#[derive(Debug)]
pub struct Process {
    name: String,
    pid: Pid,
    exit: watch::Receiver<Option<ExitStatus>>,
    log: PathBuf,
}

impl Process {
    /// Starts `program` with its output appended to `log`.
    ///
    /// # Errors
    /// If it cannot be started, or the log not be opened.
    pub fn spawn(name: &str, program: Program<'_>, log: &Path) -> anyhow::Result<Process> {
        let output = File::options().create(true).append(true).open(log)?;
        // setpriv replaces itself by the program, whose process id is therefore the child's.
        let mut command = Command::new("setpriv");
        forget_own_settings(&mut command);
        command
            .arg("--pdeathsig=KILL")
            .arg(program.path)
            .args(program.args)
            .envs(program.env.iter().map(|(key, value)| (key, value)))
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output);
        let (pid, exit) = keep(command).with_context(|| format!("cannot start {name}"))?;
        Ok(Process {
            name: name.to_owned(),
            pid,
            exit,
            log: log.to_owned(),
        })
    }

    /// Its process id.
    pub fn pid(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    /// How it ended, if it has.
    pub fn exit_status(&self) -> Option<ExitStatus> {
        *self.exit.borrow()
    }

    /// Sends a signal, unless it has ended.
    pub fn signal(&self, signal: Signal) {
        if self.exit_status().is_none() {
            // It may end this very moment; whoever waits for its end sees that.
            let _ = kill_process(self.pid, signal);
        }
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// If it has not ended `within` that time.
    pub async fn ended(&self, within: Duration) -> anyhow::Result<ExitStatus> {
        let mut exit = self.exit.clone();
        let ended = tokio::time::timeout(within, exit.wait_for(Option::is_some)).await;
        let status = ended.ok().and_then(Result::ok).and_then(|status| *status);
        status.with_context(|| {
            format!(
                "{} has not ended within {within:?}\n{}",
                self.name,
                self.last_words()
            )
        })
    }

    /// The last lines of its log.
    pub fn last_words(&self) -> String {
        let text = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(LOG_LINES_MAX)..].join("\n")
    }

    /// Everything in its log.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub fn log(&self) -> io::Result<String> {
        fs::read_to_string(&self.log)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
        let deadline = Instant::now() + GONE_WITHIN;
        while self.exit_status().is_none() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

/// What to run.
#[derive(Clone, Copy, Debug)]
pub struct Program<'a> {
    /// The executable.
    pub path: &'a Path,
    /// Its arguments.
    pub args: &'a [String],
    /// What its environment holds beside this process's own.
    pub env: &'a [(String, String)],
}

/// Keeps what this process was told about its own Holdfast from the one it starts.
fn forget_own_settings(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("HOLDFAST_") {
            command.env_remove(name);
        }
    }
}

/// Starts the command on a thread that lives as long as it: the kernel sends the signal of a
/// parent's death when the thread that forked ends.
fn keep(mut command: Command) -> anyhow::Result<(Pid, watch::Receiver<Option<ExitStatus>>)> {
    let (started, start) = mpsc::channel();
    let (exited, exit) = watch::channel(None);
    thread::Builder::new()
        .name("keeper".into())
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
    let id = i32::try_from(start.recv()??)?;
    let pid = Pid::from_raw(id).expect("the kernel's process ids are positive");
    Ok((pid, exit))
}
