//! How an acceptance run ends: one line, PASS or FAIL, and the exit code that says the same.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

/// Writes a line that a reader of the run follows it by.
pub fn say(line: &str) {
    // A reader who has gone away does not stop the run.
    let _ = writeln!(io::stdout(), "{line}");
}

/// Ends a run.
pub fn conclude(run: &str, result: anyhow::Result<String>) -> ExitCode {
    match result {
        Ok(counts) => {
            say(&format!("PASS {run}: {counts}"));
            ExitCode::SUCCESS
        }
        Err(error) => {
            say(&format!("FAIL {run}: {error:#}").replace('\n', " | "));
            ExitCode::FAILURE
        }
    }
}
