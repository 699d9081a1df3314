//! What is to be asked now and what later: one task with one timer, whatever waits. Nothing here
//! has to survive; the database has every operation that is in flight.

use std::collections::BTreeMap;

use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{driver::Driver, task::Task};

/// Tasks that are asked for in one batch.
const BATCH_MAX: usize = 512;

/// Something to ask the provider for.
#[derive(Debug)]
pub(crate) enum Errand {
    /// At once.
    Now(Vec<Task>),
    /// Not before the time.
    Later(Instant, Box<Task>),
}

/// Tasks that wait for their time; the number tells apart those with the same.
type Waiting = BTreeMap<(Instant, u64), Task>;

/// Runs errands until the service stops.
pub(super) async fn run(
    driver: Driver,
    mut errands: mpsc::UnboundedReceiver<Errand>,
    stop: CancellationToken,
) {
    let mut waiting = Waiting::new();
    let mut number = 0;
    loop {
        let next = waiting.keys().next().map(|(due, _)| *due);
        let timer = async {
            match next {
                Some(due) => tokio::time::sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            errand = errands.recv() => match errand {
                None => return,
                Some(Errand::Now(tasks)) => set_out(&driver, tasks),
                Some(Errand::Later(due, task)) => {
                    number += 1;
                    waiting.insert((due, number), *task);
                }
            },
            () = timer => set_out(&driver, take_due(&mut waiting)),
        }
    }
}

fn take_due(waiting: &mut Waiting) -> Vec<Task> {
    let later = waiting.split_off(&(Instant::now(), u64::MAX));
    std::mem::replace(waiting, later).into_values().collect()
}

/// Detaches the tasks, in batches: none waits for another batch's slowest.
fn set_out(driver: &Driver, tasks: Vec<Task>) {
    let mut rest = tasks;
    while !rest.is_empty() {
        let tail = rest.split_off(rest.len().min(BATCH_MAX));
        let batch = std::mem::replace(&mut rest, tail);
        let driver_of_batch = driver.clone();
        driver
            .parts
            .tracker
            .spawn(async move { driver_of_batch.drive(batch).await });
    }
}
