//! For tests of definitions: a log in memory that can lose its answers, and waiting without sleeps.

mod memory_log;

pub use memory_log::{MemoryLog, MemoryRow};

use std::time::Duration;

/// Waits until `condition` gives something.
///
/// # Panics
/// If it gives nothing within ten seconds.
pub async fn eventually<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    const PATIENCE: Duration = Duration::from_secs(10);
    const LOOK_EVERY: Duration = Duration::from_millis(5);
    let give_up = tokio::time::Instant::now() + PATIENCE;
    loop {
        if let Some(found) = condition() {
            return found;
        }
        assert!(
            tokio::time::Instant::now() < give_up,
            "{what} did not happen within {PATIENCE:?}"
        );
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
