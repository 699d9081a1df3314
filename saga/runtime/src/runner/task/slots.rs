//! The sagas that the runner carries, by key and by id. A key is reused only after its saga is gone.

use std::{collections::HashMap, time::Instant};

use saga_core::{Event, State};

use crate::{LogEntry, Noted, Saga, SagaId};

/// A saga on its way into the runner.
#[derive(Debug)]
pub(super) struct Incoming<S: Saga> {
    pub(super) entry: LogEntry<S>,
    pub(super) deadline: Instant,
    /// What it had failed at before it was taken over.
    pub(super) noted: Option<Noted>,
    /// What it begins with here.
    pub(super) event: Event,
}

#[derive(Debug)]
pub(super) struct Slot<S: Saga> {
    pub(super) id: SagaId,
    pub(super) epoch: i64,
    pub(super) lines: usize,
    pub(super) state: State,
    pub(super) deadline: Instant,
    /// Away while the saga is in a batch.
    pub(super) entry: Option<LogEntry<S>>,
    /// The number of the retry that it waits for; 0: none.
    pub(super) retry: u64,
    /// What it had failed at before it was taken over.
    pub(super) noted: Option<Noted>,
    /// The same saga under a later epoch, which takes this one's place.
    pub(super) heir: Option<Box<Incoming<S>>>,
}

#[derive(Debug)]
pub(super) struct Slots<S: Saga> {
    slots: Vec<Option<Slot<S>>>,
    free: Vec<usize>,
    keys: HashMap<SagaId, usize>,
}

impl<S: Saga> Default for Slots<S> {
    fn default() -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            keys: HashMap::new(),
        }
    }
}

impl<S: Saga> Slots<S> {
    pub(super) fn insert(&mut self, slot: Slot<S>) -> usize {
        let key = self.free.pop().unwrap_or(self.slots.len());
        self.keys.insert(slot.id, key);
        if key == self.slots.len() {
            self.slots.push(Some(slot));
        } else {
            self.slots[key] = Some(slot);
        }
        key
    }

    pub(super) fn key_of(&self, id: SagaId) -> Option<usize> {
        self.keys.get(&id).copied()
    }

    pub(super) fn find(&self, key: usize) -> Option<&Slot<S>> {
        self.slots.get(key).and_then(Option::as_ref)
    }

    pub(super) fn get(&mut self, key: usize) -> &mut Slot<S> {
        self.slots[key].as_mut().expect("a key in use has its slot")
    }

    pub(super) fn take_entry(&mut self, key: usize) -> LogEntry<S> {
        self.get(key)
            .entry
            .take()
            .expect("a saga waits in one lane at a time")
    }

    pub(super) fn remove(&mut self, key: usize) -> Slot<S> {
        let slot = self.slots[key].take().expect("a key in use has its slot");
        self.keys.remove(&slot.id);
        self.free.push(key);
        slot
    }

    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    pub(super) fn ids(&self) -> Vec<SagaId> {
        self.keys.keys().copied().collect()
    }

    pub(super) fn smallest(&self) -> Option<SagaId> {
        self.keys.keys().min().copied()
    }

    /// The sagas whose time for deciding has run out since they were last looked at.
    pub(super) fn overdue(&self, now: Instant) -> Vec<usize> {
        let slots = self.slots.iter().enumerate();
        slots
            .filter_map(|(key, slot)| {
                let slot = slot.as_ref()?;
                (now >= slot.deadline && !slot.state.spent).then_some(key)
            })
            .collect()
    }
}
