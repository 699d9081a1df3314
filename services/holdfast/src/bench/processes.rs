//! CPU time of processes on this machine, from /proc.
//!
//! The rule: a server's time is that of its whole tree, children that have ended included, so that
//! a backend which comes and goes is not lost.

use std::{collections::BTreeMap, fs, process};

/// Ticks a second of the times in /proc; the same on every Linux.
const TICKS_PER_SECOND: f64 = 100.0;
/// How far up a process's parents are followed.
const PARENTS_MAX: usize = 64;

/// A process, as /proc/PID/stat has it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Process {
    parent: i32,
    name: String,
    /// Its own user and system time.
    own_ticks: u64,
    /// That of its children that have ended and were waited for.
    children_ticks: u64,
}

impl Process {
    /// Reads a line of /proc/PID/stat; the name, in parentheses, may hold anything.
    fn parse(stat: &str) -> Option<Self> {
        let (head, tail) = stat.rsplit_once(") ")?;
        let (_, name) = head.split_once('(')?;
        let fields: Vec<_> = tail.split_whitespace().collect();
        let ticks = |index: usize| fields.get(index)?.parse::<u64>().ok();
        Some(Self {
            parent: fields.get(1)?.parse().ok()?,
            name: name.to_owned(),
            own_ticks: ticks(11)? + ticks(12)?,
            children_ticks: ticks(13)? + ticks(14)?,
        })
    }
}

/// All processes of this machine at one time.
#[derive(Clone, Debug, Default)]
pub(super) struct Processes(BTreeMap<i32, Process>);

impl Processes {
    /// Reads them; those that end meanwhile are left out.
    pub(super) fn read() -> Self {
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let stat = |entry: fs::DirEntry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
            Some((pid, Process::parse(&stat)?))
        };
        Self(entries.filter_map(stat).collect())
    }

    /// CPU seconds of a process and everything below it; none if it is not there.
    pub(super) fn tree_seconds(&self, root: i32) -> Option<f64> {
        self.0.get(&root)?;
        let below = self.0.iter().filter(|(pid, _)| self.is_below(**pid, root));
        let ticks: u64 = below
            .map(|(_, process)| process.own_ticks + process.children_ticks)
            .sum();
        Some(seconds(ticks))
    }

    fn is_below(&self, pid: i32, root: i32) -> bool {
        let parent = |pid: &i32| self.0.get(pid).map(|process| process.parent);
        std::iter::successors(Some(pid), parent)
            .take(PARENTS_MAX)
            .any(|pid| pid == root)
    }

    /// The postmaster that a `holdfast` process runs, if there is exactly one.
    pub(super) fn postmaster_of_holdfast(&self) -> Option<i32> {
        let is =
            |pid: &i32, name: &str| self.0.get(pid).is_some_and(|process| process.name == name);
        let mut found = self.0.iter().filter(|(pid, process)| {
            let parent = |pid: &i32| self.0.get(pid).map(|process| process.parent);
            process.name == "postgres"
                && !is(&process.parent, "postgres")
                && std::iter::successors(Some(**pid), parent)
                    .take(PARENTS_MAX)
                    .any(|pid| is(&pid, "holdfast"))
        });
        let (pid, _) = found.next()?;
        found.next().is_none().then_some(*pid)
    }

    /// The postmaster of a backend, if that is on this machine at all.
    pub(super) fn postmaster_of_backend(&self, backend: i32) -> Option<i32> {
        let is_postgres = |process: &&Process| process.name == "postgres";
        let parent = self.0.get(&backend).filter(is_postgres)?.parent;
        self.0.get(&parent).filter(is_postgres).map(|_| parent)
    }

    /// CPU seconds of this process alone.
    pub(super) fn own_seconds(&self) -> Option<f64> {
        let pid = i32::try_from(process::id()).ok()?;
        self.0.get(&pid).map(|process| seconds(process.own_ticks))
    }
}

/// CPU seconds of everything on this machine.
pub(super) fn machine_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    busy_ticks(stat.lines().next()?).map(seconds)
}

/// User, nice, system, irq and softirq; idle, iowait and what the hypervisor took are not work.
fn busy_ticks(line: &str) -> Option<u64> {
    let mut fields = line
        .strip_prefix("cpu ")?
        .split_whitespace()
        .map(str::parse::<u64>);
    let mut next = || fields.next()?.ok();
    let (user, nice, system) = (next()?, next()?, next()?);
    let (_idle, _iowait) = (next()?, next()?);
    Some(user + nice + system + next()? + next()?)
}

#[expect(clippy::cast_precision_loss, reason = "ticks below 2^53")]
fn seconds(ticks: u64) -> f64 {
    ticks as f64 / TICKS_PER_SECOND
}

#[cfg(test)]
mod tests {
    use super::{Process, Processes, busy_ticks};

    fn process(pid: i32, name: &str, parent: i32, own: u64, children: u64) -> (i32, Process) {
        let (own_ticks, children_ticks, name) = (own, children, name.to_owned());
        (
            pid,
            Process {
                parent,
                name,
                own_ticks,
                children_ticks,
            },
        )
    }

    fn machine() -> Processes {
        Processes(
            [
                process(1, "init", 0, 500, 900),
                process(10, "holdfast", 1, 100, 7),
                process(20, "setpriv", 10, 0, 0),
                process(21, "postgres", 20, 10, 300),
                process(22, "postgres", 21, 50, 0),
                process(23, "postgres", 21, 40, 0),
                process(30, "postgres", 1, 1_000, 1_000),
                process(31, "postgres", 30, 1_000, 0),
            ]
            .into(),
        )
    }

    #[test]
    fn a_tree_has_its_living_and_its_ended_members() {
        assert_eq!(machine().tree_seconds(21), Some(4.0));
        assert_eq!(machine().tree_seconds(99), None);
    }

    #[test]
    fn the_postmaster_below_holdfast_is_found_unless_there_are_two() {
        let mut machine = machine();
        assert_eq!(machine.postmaster_of_holdfast(), Some(21));
        machine.0.extend([
            process(40, "holdfast", 1, 0, 0),
            process(41, "postgres", 40, 0, 0),
        ]);
        assert_eq!(machine.postmaster_of_holdfast(), None);
    }

    #[test]
    fn a_backend_of_another_machine_has_no_postmaster_here() {
        assert_eq!(machine().postmaster_of_backend(22), Some(21));
        assert_eq!(machine().postmaster_of_backend(20), None);
        assert_eq!(machine().postmaster_of_backend(21), None);
        assert_eq!(machine().postmaster_of_backend(77), None);
    }

    #[test]
    fn stat_lines_are_read_whatever_the_name() {
        let stat = "7 (a (b) c) S 3 7 7 0 -1 4194304 1 2 3 4 250 50 30 20 20 0 1";
        let expected = process(7, "a (b) c", 3, 300, 50).1;
        assert_eq!(Process::parse(stat), Some(expected));
        assert_eq!(Process::parse("7 (x"), None);
        assert_eq!(busy_ticks("cpu  10 1 5 1000 3 2 1 77 0 0"), Some(19));
    }

    #[test]
    fn this_process_is_there() {
        let processes = Processes::read();
        assert!(processes.own_seconds().is_some());
    }
}
