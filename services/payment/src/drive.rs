//! Drives operations to definite answers, detached from whoever asked. An operation is asked for by
//! one task of this process at a time and stays in the registry until its answer is committed;
//! callers wait in the registry and may leave when they like.

mod authorize;
mod begin;
mod driver;
mod gathering;
mod queue;
mod recovery;
mod registry;
mod task;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub(crate) use driver::{Driver, Parts};
pub(crate) use gathering::{Gathering, Told};

/// Starts a driver with its queue and its recovery; both end with `stop`.
pub(crate) fn start(parts: Parts, stop: &CancellationToken) -> Driver {
    let tracker = parts.tracker.clone();
    let (sender, errands) = mpsc::unbounded_channel();
    let driver = Driver::new(parts, sender);
    tracker.spawn(queue::run(driver.clone(), errands, stop.clone()));
    tracker.spawn(recovery::run(driver.clone(), stop.clone()));
    driver
}
