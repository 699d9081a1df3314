//! What a figure depends on beside the load: the machine and the code.
//!
//! The rule: what cannot be found out is missing.

use std::{env, fs, process::Command, thread};

use serde::Serialize;

/// Set where the executable is built outside its repository.
const BUILT_FROM: Option<&str> = option_env!("HOLDFAST_COMMIT");

/// The machine.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Machine {
    pub(super) processor: Option<String>,
    /// Cores that this process may use.
    pub(super) cores: Option<usize>,
    pub(super) memory_bytes: Option<u64>,
    pub(super) kernel: Option<String>,
}

impl Machine {
    /// Reads what /proc says.
    pub(super) fn read() -> Self {
        let read = |path: &str| fs::read_to_string(path).ok();
        Self {
            processor: read("/proc/cpuinfo").and_then(|text| value(&text, "model name")),
            cores: thread::available_parallelism().ok().map(usize::from),
            memory_bytes: read("/proc/meminfo")
                .and_then(|text| value(&text, "MemTotal"))
                .and_then(|text| text.strip_suffix("kB")?.trim().parse::<u64>().ok())
                .map(|kibibytes| kibibytes * 1_024),
            kernel: read("/proc/sys/kernel/osrelease").map(|text| text.trim().to_owned()),
        }
    }
}

/// The value of `name : value`.
fn value(text: &str, name: &str) -> Option<String> {
    let (_, value) = text
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(title, _)| title.trim() == name)?;
    Some(value.trim().to_owned())
}

/// The commit that this executable was built from, or else the one that is checked out where it
/// stands, with `-dirty` where files differ from it.
pub(super) fn commit() -> Option<String> {
    if let Some(commit) = BUILT_FROM {
        return Some(commit.to_owned());
    }
    let executable = env::current_exe().ok()?;
    let git = Command::new("git")
        .arg("-C")
        .arg(executable.parent()?)
        .args([
            "describe",
            "--always",
            "--dirty",
            "--abbrev=12",
            "--exclude=*",
        ])
        .output()
        .ok()?;
    let commit = String::from_utf8(git.stdout).ok()?.trim().to_owned();
    (git.status.success() && !commit.is_empty()).then_some(commit)
}

#[cfg(test)]
mod tests {
    use super::{Machine, value};

    #[test]
    fn values_are_found_by_their_title() {
        let text = "processor\t: 0\nmodel name\t: CPU 9: fast\nMemTotal:   16 kB\n";
        assert_eq!(value(text, "model name").as_deref(), Some("CPU 9: fast"));
        assert_eq!(value(text, "MemTotal").as_deref(), Some("16 kB"));
        assert_eq!(value(text, "nothing"), None);
        assert!(Machine::read().cores.is_some());
    }
}
