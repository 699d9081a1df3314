//! Finds the executable under test.
//!
//! The rule: it is the one that was named, or the one that was built beside the test; never one
//! that happens to be on the path.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};

/// The variable that names the executable.
pub const VARIABLE: &str = "HOLDFAST_BIN";

/// The executable's path: `HOLDFAST_BIN`, else `holdfast` in the directory that cargo builds into.
///
/// # Errors
/// If there is none.
pub fn holdfast() -> anyhow::Result<PathBuf> {
    if let Some(named) = std::env::var_os(VARIABLE) {
        let named = PathBuf::from(named);
        ensure!(
            named.is_file(),
            "{VARIABLE} is {}, which is no file",
            named.display()
        );
        return Ok(named);
    }
    let own = std::env::current_exe().context("this test's own path is not known")?;
    // target/release/deps/<test>, or target/release/<run>.
    let beside = own
        .ancestors()
        .skip(1)
        .take(2)
        .map(|dir: &Path| dir.join("holdfast"));
    let found = beside.into_iter().find(|path| path.is_file());
    found.with_context(|| {
        format!("no holdfast beside this test: run `cargo build --release -p holdfast`, or set {VARIABLE}")
    })
}
