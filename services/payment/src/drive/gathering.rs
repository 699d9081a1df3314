//! Where the answers to one RPC come together. Each item has one place that is filled once; whoever
//! waits takes what is there when its time is up.

use std::sync::{Arc, Mutex, PoisonError};

use holdfast_kit::refusal::CallError;
use tokio::{sync::Notify, time::Instant};

use crate::domain::Outcome;

/// What one item is told.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    /// Whether its key had come before.
    pub(crate) replayed: bool,
    /// Its answer, or why there is none.
    pub(crate) answer: Result<Outcome, CallError>,
}

#[derive(Debug)]
struct Places {
    told: Vec<Option<Told>>,
    open: usize,
}

/// The answers to the items of one RPC.
#[derive(Debug)]
pub(crate) struct Gathering {
    places: Mutex<Places>,
    complete: Notify,
}

/// One place of a gathering, for whoever answers.
#[derive(Clone, Debug)]
pub(crate) struct Waiter {
    pub(crate) gathering: Arc<Gathering>,
    pub(crate) index: usize,
    pub(crate) replayed: bool,
}

impl Waiter {
    pub(crate) fn tell(&self, answer: Result<Outcome, CallError>) {
        self.gathering.tell(
            self.index,
            Told {
                replayed: self.replayed,
                answer,
            },
        );
    }
}

impl Gathering {
    pub(crate) fn new(items: usize) -> Arc<Self> {
        let places = Mutex::new(Places {
            told: vec![None; items],
            open: items,
        });
        Arc::new(Self {
            places,
            complete: Notify::new(),
        })
    }

    /// Fills a place; a second answer to the same item is dropped.
    pub(crate) fn tell(&self, index: usize, told: Told) {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = places.told.get_mut(index)
            && place.is_none()
        {
            *place = Some(told);
            places.open -= 1;
            if places.open == 0 {
                self.complete.notify_one();
            }
        }
    }

    fn is_complete(&self) -> bool {
        self.places
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .open
            == 0
    }

    /// Waits until every place is filled or the time has come, and takes what is there. One caller
    /// waits, once.
    pub(crate) async fn until(&self, deadline: Instant) -> Vec<Option<Told>> {
        if !self.is_complete() {
            // The permit of a notification that came first is kept, so none is missed.
            let _ = tokio::time::timeout_at(deadline, self.complete.notified()).await;
        }
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut places.told)
    }
}
