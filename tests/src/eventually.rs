//! Waiting for a condition, with a deadline.
//!
//! The rule: nothing here waits for time to pass; whatever is waited for is looked at, and what has
//! not come in time is an error that says what it was.

use std::time::{Duration, Instant};

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Looks until there is something, and gives it.
///
/// # Errors
/// If a look fails, or there is nothing `within` that time.
pub async fn eventually<T>(
    what: &str,
    within: Duration,
    mut look: impl AsyncFnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let deadline = Instant::now() + within;
    loop {
        if let Some(found) = look().await? {
            return Ok(found);
        }
        anyhow::ensure!(Instant::now() < deadline, "not within {within:?}: {what}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
