//! The runner's task. It alone owns the sagas' states: it takes what has come, lets the transition
//! function decide for each saga, and sends off the batches that should leave.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use saga_core::{Effect, Event, Shape, State, step};
use tokio::sync::mpsc;

use super::{
    Adopted, Answer, Observer, Order, RunnerSettings, Settled,
    lane::{Kind, Lane, Policy},
    measures::Measures,
    troubles::Troubles,
};
use crate::{Claimed, Definition, Halt, Lease, Log, LogEntry, RunnerId, Saga, SagaId, Trouble};

mod ends;
mod flight;
mod lanes;
mod retries;
mod slots;

use flight::{Flights, Landed, Landing};
use lanes::{lane_index, lane_name};
use retries::Retries;
use slots::{Incoming, Slot, Slots};

/// How often deadlines, held steps and troubles are looked at.
const TICK: Duration = Duration::from_millis(50);
/// Messages taken up before batches are sent off.
const MESSAGES_MAX: usize = 1_024;

pub(super) struct Parts<S: Saga, L: Log<S>> {
    pub(super) id: RunnerId,
    pub(super) definition: Definition<S>,
    pub(super) log: Arc<L>,
    pub(super) lease: Lease,
    pub(super) observer: Arc<dyn Observer<S, L::Receipt>>,
    pub(super) settings: RunnerSettings,
    pub(super) load: Arc<AtomicUsize>,
}

pub(super) struct Task<S: Saga, L: Log<S>> {
    parts: Parts<S, L>,
    shape: Shape,
    policy: Policy,
    slots: Slots<S>,
    lanes: Vec<Lane>,
    lane_of: HashMap<Effect, usize>,
    flights: Flights<S, L>,
    landings: mpsc::UnboundedReceiver<Landing<S, L::Receipt>>,
    retries: Retries,
    troubles: Troubles,
    measures: Measures,
    settled: Vec<Settled<S, L::Receipt>>,
    left: Vec<SagaId>,
}

impl<S: Saga, L: Log<S>> Task<S, L> {
    pub(super) fn new(parts: Parts<S, L>) -> Self {
        let shape = parts.definition.shape();
        let kinds = Kind::all(shape);
        let names: Vec<_> = kinds
            .iter()
            .map(|kind| lane_name(&parts.definition, *kind))
            .collect();
        let settings = parts.settings;
        let (flights, landings) =
            Flights::new(parts.id, parts.definition.clone(), Arc::clone(&parts.log));
        Self {
            shape,
            policy: Policy {
                items_max: settings.batch_items_max,
                lines_max: settings.batch_lines_max,
                flights_max: settings.flights_max,
                patience: settings.flight_patience,
            },
            slots: Slots::default(),
            lane_of: lane_index(&kinds, shape),
            lanes: kinds.into_iter().map(Lane::new).collect(),
            flights,
            landings,
            retries: Retries::default(),
            troubles: Troubles::default(),
            measures: Measures::new(parts.definition.name(), &names),
            settled: Vec::new(),
            left: Vec::new(),
            parts,
        }
    }

    pub(super) async fn run(mut self, mut orders: mpsc::UnboundedReceiver<Order<S>>) {
        let mut ordered = Vec::new();
        let mut landed = Vec::new();
        let mut next_tick = Instant::now() + TICK;
        loop {
            let wake = self.wake(next_tick);
            tokio::select! {
                count = orders.recv_many(&mut ordered, MESSAGES_MAX) => if count == 0 { break },
                _ = self.landings.recv_many(&mut landed, MESSAGES_MAX) => {}
                () = tokio::time::sleep_until(wake.into()) => {}
            }
            for landing in landed.drain(..) {
                self.land(landing);
            }
            for order in ordered.drain(..) {
                if let Some(stopped) = self.obey(order) {
                    self.give_up_everything().await;
                    let _ = stopped.send(());
                    return;
                }
            }
            let now = Instant::now();
            self.retry(now);
            if now >= next_tick {
                next_tick = now + TICK;
                self.tick(now);
            }
            self.depart(now);
            self.tell();
        }
    }

    fn wake(&self, next_tick: Instant) -> Instant {
        let lanes = self.lanes.iter().filter_map(|lane| lane.wake(self.policy));
        lanes
            .chain(self.retries.next())
            .fold(next_tick, Instant::min)
    }

    fn obey(&mut self, order: Order<S>) -> Option<tokio::sync::oneshot::Sender<()>> {
        match order {
            Order::Adopt(sagas) => sagas.into_iter().for_each(|saga| self.adopt(saga)),
            Order::TakeOver(sagas) => sagas
                .into_iter()
                .for_each(|claimed| self.take_over(claimed)),
            Order::LowWater(reply) => {
                let _ = reply.send(self.slots.smallest());
            }
            Order::Stop(stopped) => return Some(stopped),
        }
        None
    }

    fn adopt(&mut self, adopted: Adopted<S>) {
        let Adopted {
            saga,
            epoch,
            remaining,
        } = adopted;
        let entry = LogEntry {
            saga,
            epoch,
            turned: false,
            refusal: None,
        };
        self.admit(Incoming {
            entry,
            deadline: Instant::now() + remaining,
            noted: None,
            event: Event::Started,
        });
    }

    fn take_over(&mut self, claimed: Claimed<S>) {
        let Claimed {
            id,
            saga,
            epoch,
            refusal,
            remaining,
            noted,
        } = claimed;
        match saga {
            Ok(saga) => {
                let turned = refusal.is_some();
                let entry = LogEntry {
                    saga,
                    epoch,
                    turned,
                    refusal,
                };
                self.admit(Incoming {
                    entry,
                    deadline: Instant::now() + remaining,
                    noted,
                    event: Event::Claimed { turned },
                });
            }
            Err(error) => {
                self.park(Trouble {
                    id,
                    epoch,
                    step: ends::LOG,
                    undo: false,
                    attempts: 0,
                    error,
                    next_in: None,
                    halt: Some(Halt::Parked),
                });
                self.parts.load.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }

    fn admit(&mut self, incoming: Incoming<S>) {
        let id = incoming.entry.saga.id();
        if let Some(key) = self.slots.key_of(id) {
            return self.supersede(key, incoming);
        }
        let Incoming {
            entry,
            deadline,
            noted,
            event,
        } = incoming;
        let key = self.slots.insert(Slot {
            id,
            epoch: entry.epoch,
            lines: entry.saga.lines(),
            state: State::new(),
            deadline,
            entry: Some(entry),
            retry: 0,
            noted,
            heir: None,
        });
        self.apply(key, Answer::event(event), None);
        if deadline <= Instant::now() {
            // Told before any answer comes, so that nothing is bought after its time.
            self.apply(key, Answer::event(Event::Spent), None);
        }
    }

    /// Takes up a batch that has landed.
    fn land(&mut self, landing: Landing<S, L::Receipt>) {
        let Landed {
            lane,
            flight,
            keys,
            entries,
            answers,
            receipts,
        } = match landing {
            Landing::Batch(landed) => landed,
            Landing::Troubles(unwritten) => return self.troubles.written(unwritten),
            Landing::Crashed => panic!("a batch of the saga runner panicked; see the log above"),
        };
        if let Some(departed) = self.lanes[lane].land(flight) {
            self.measures.batch_seconds[lane].record(departed.elapsed());
        }
        let mut receipts = receipts.into_iter();
        for ((key, entry), answer) in keys.into_iter().zip(entries).zip(answers) {
            self.slots.get(key).entry = Some(entry);
            let answer = self.unless_superseded(key, answer);
            self.apply(key, answer, receipts.next().flatten());
        }
    }

    /// Lets the transition function decide about one saga, and does what it says.
    fn apply(&mut self, key: usize, answer: Answer<S>, receipt: Option<L::Receipt>) {
        let slot = self.slots.get(key);
        let before = slot.state;
        let (state, effect) = step(self.shape, before, answer.event);
        slot.state = state;
        if let Some(entry) = slot.entry.as_mut() {
            entry.turned = state.turned;
            if answer.refusal.is_some() {
                entry.refusal = answer.refusal;
            }
            if state.refused && entry.refusal.is_none() {
                entry.refusal = Some(entry.saga.timed_out());
            }
        }
        match effect {
            Effect::Run(_) | Effect::Undo(_) | Effect::Turn | Effect::Finish | Effect::Read => {
                let lines = slot.lines;
                self.lanes[self.lane_of[&effect]].push(key, lines);
            }
            Effect::Wait => self.wait(key, answer.retry_after, answer.error),
            Effect::Park => {
                let error = answer
                    .error
                    .unwrap_or_else(|| "an answer that cannot be".to_owned());
                let trouble = self.trouble(key, before.phase, error, None, Some(Halt::Parked));
                self.park(trouble);
                self.leave(key);
            }
            Effect::Settle => self.settle(key, receipt),
            Effect::Leave => self.leave(key),
            Effect::Nothing => {}
        }
    }

    fn retry(&mut self, now: Instant) {
        while let Some((key, retry)) = self.retries.due(now) {
            if self.slots.find(key).is_some_and(|slot| slot.retry == retry) {
                self.apply(key, Answer::event(Event::Due), None);
            }
        }
    }

    fn tick(&mut self, now: Instant) {
        for key in self.slots.overdue(now) {
            let before = self.slots.get(key).state.phase;
            self.apply(key, Answer::event(Event::Spent), None);
            let slot = self.slots.get(key);
            if slot.state.phase != before {
                // It no longer waits for its next attempt.
                slot.retry = 0;
            }
        }
        if let Some(troubles) = self.troubles.take() {
            self.flights.write_troubles(troubles);
        }
        #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
        self.measures.carried.set(self.slots.len() as f64);
    }

    /// Sends off every batch that should leave now.
    fn depart(&mut self, now: Instant) {
        let mut live = None;
        for index in 0..self.lanes.len() {
            let kind = self.lanes[index].kind;
            if !self.lanes[index].has_waiting() {
                continue;
            }
            // A runner whose beat is late starts no forward step: others may have its sagas.
            let held = matches!(kind, Kind::Run(_))
                && !*live.get_or_insert_with(|| self.parts.lease.is_live(now));
            if held {
                continue;
            }
            loop {
                let flight = self.flights.next_id();
                let keys = self.lanes[index].depart(now, self.policy, flight);
                if keys.is_empty() {
                    break;
                }
                let entries = keys.iter().map(|key| self.slots.take_entry(*key)).collect();
                if kind == Kind::Turn {
                    self.measures.turns.increment(keys.len() as u64);
                }
                self.flights.send_off(index, kind, keys, entries);
            }
        }
    }

    async fn give_up_everything(&mut self) {
        let ids = self.slots.ids();
        if ids.is_empty() {
            return;
        }
        tracing::info!(sagas = ids.len(), "runner gives up what it still carries");
        if let Err(error) = self.parts.log.release(self.parts.id, &ids).await {
            tracing::warn!(
                error = error.0,
                "sagas not given up; others take them after the lease"
            );
        }
        self.parts.observer.left(ids);
    }
}
