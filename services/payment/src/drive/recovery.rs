//! Takes up what no process drives: at the start what an earlier process left, and later what
//! another one did. It only claims and asks; how an operation ends is the driver's business.

use std::time::Duration;

use saga_core::Backoff;
use tokio_util::sync::CancellationToken;

use super::driver::Driver;
use crate::store;

/// The pause between two searches, before jitter; longer after each that failed, up to ten times.
const PAUSE: Backoff = Backoff {
    first: Duration::from_secs(4),
    cap: Duration::from_secs(40),
};

/// Searches after a start that look for intents left behind: as long as it takes until the youngest
/// that an earlier process can have left is old enough.
const ADOPTING_ROUNDS: u32 = 12;

/// Later every so many searches do, for what another process left.
const ADOPTING_EVERY: u32 = 16;

/// Searches until the service stops.
pub(super) async fn run(driver: Driver, stop: CancellationToken) {
    let seed = u64::from(std::process::id());
    let (mut round, mut failures) = (0_u32, 0);
    loop {
        let adopts = round < ADOPTING_ROUNDS || round.is_multiple_of(ADOPTING_EVERY);
        match search(&driver, adopts).await {
            Ok(()) => {
                failures = 0;
                round = round.wrapping_add(1);
            }
            Err(error) => {
                failures += 1;
                tracing::warn!(%error, failures, "the search for operations in flight failed");
            }
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(PAUSE.after(1 + failures, seed ^ u64::from(round))) => {}
        }
    }
}

async fn search(driver: &Driver, adopts: bool) -> Result<(), sqlx::Error> {
    let reads = &driver.parts.reads;
    let adopted = if adopts {
        store::adopt(reads).await?
    } else {
        0
    };
    let (in_flight, now) = store::due(reads).await?;
    if adopted > 0 || !in_flight.is_empty() {
        let due = in_flight.len();
        tracing::info!(adopted, due, "operations in flight are taken up");
    }
    driver.start(in_flight, now);
    Ok(())
}
