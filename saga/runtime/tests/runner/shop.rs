//! A shop whose purchases are sagas on a log in memory, with two participants that can refuse, forget
//! to answer and bar.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use saga_runtime::{
    Definition, Lease, LeaseSettings, Observer, Outcome, Recovery, RecoverySettings, Runner,
    RunnerId, RunnerSettings, Saga, SagaId, Settled, Step, Undo,
    testkit::{MemoryLog, eventually},
};
use uuid::Uuid;

const LEASE: LeaseSettings = LeaseSettings {
    lease: Duration::from_millis(300),
    beat_every: Duration::from_millis(30),
};
const LOOK: RecoverySettings = RecoverySettings {
    look_every: Duration::from_millis(20),
    claim_max: 100,
};
pub(crate) const LONG: Duration = Duration::from_secs(30);

#[derive(Clone, Debug)]
pub(crate) struct Purchase {
    pub(crate) id: SagaId,
    pub(crate) seats: Option<u32>,
}

impl Saga for Purchase {
    type Refusal = &'static str;

    fn id(&self) -> SagaId {
        self.id
    }

    fn timed_out(&self) -> &'static str {
        "timed out"
    }
}

/// What a participant does with a saga, and what it has seen of it.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    script: Mutex<HashMap<SagaId, Vec<Script>>>,
    pub(crate) seen: Mutex<Vec<(&'static str, SagaId)>>,
    pub(crate) largest_batch: Mutex<usize>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Script {
    Refuse,
    Unknown,
    Bar,
}

impl Desk {
    pub(crate) fn plan(&self, id: SagaId, script: &[Script]) {
        let reversed = script.iter().rev().copied().collect();
        self.script.lock().unwrap().insert(id, reversed);
    }

    fn ask(&self, what: &'static str, id: SagaId) -> Outcome<u32, &'static str> {
        self.seen.lock().unwrap().push((what, id));
        match self.script.lock().unwrap().get_mut(&id).and_then(Vec::pop) {
            None => Outcome::Done(7),
            Some(Script::Refuse) => Outcome::Refused("sold out"),
            Some(Script::Unknown) => Outcome::Unknown {
                error: "no answer".into(),
            },
            Some(Script::Bar) => Outcome::Barred,
        }
    }

    pub(crate) fn saw(&self, id: SagaId) -> Vec<&'static str> {
        let seen = self.seen.lock().unwrap();
        seen.iter()
            .filter(|(_, saga)| *saga == id)
            .map(|(what, _)| *what)
            .collect()
    }
}

struct Seat(Arc<Desk>);
struct Charge(Arc<Desk>);

impl Step<Purchase> for Seat {
    type Input = SagaId;
    type Output = u32;
    type UndoInput = SagaId;

    const NAME: &'static str = "seat";

    fn input(&self, purchase: &Purchase) -> Option<SagaId> {
        Some(purchase.id)
    }

    fn output(&self, purchase: &mut Purchase, seats: u32) {
        purchase.seats = Some(seats);
    }

    async fn run(&self, ids: Vec<SagaId>) -> Vec<Outcome<u32, &'static str>> {
        let mut largest = self.0.largest_batch.lock().unwrap();
        *largest = ids.len().max(*largest);
        ids.into_iter().map(|id| self.0.ask("seat", id)).collect()
    }

    fn undo_input(&self, purchase: &Purchase) -> Option<SagaId> {
        Some(purchase.id)
    }

    async fn undo(&self, ids: Vec<SagaId>) -> Vec<Undo> {
        ids.into_iter()
            .map(|id| {
                self.0.seen.lock().unwrap().push(("undo seat", id));
                Undo::Done
            })
            .collect()
    }
}

impl Step<Purchase> for Charge {
    type Input = SagaId;
    type Output = u32;
    type UndoInput = SagaId;

    const NAME: &'static str = "charge";

    fn input(&self, purchase: &Purchase) -> Option<SagaId> {
        Some(purchase.id)
    }

    fn output(&self, _purchase: &mut Purchase, _charged: u32) {}

    async fn run(&self, ids: Vec<SagaId>) -> Vec<Outcome<u32, &'static str>> {
        ids.into_iter().map(|id| self.0.ask("charge", id)).collect()
    }

    fn undo_input(&self, purchase: &Purchase) -> Option<SagaId> {
        Some(purchase.id)
    }

    async fn undo(&self, ids: Vec<SagaId>) -> Vec<Undo> {
        ids.into_iter()
            .map(|id| {
                self.0.seen.lock().unwrap().push(("undo charge", id));
                Undo::Done
            })
            .collect()
    }
}

#[derive(Debug, Default)]
pub(crate) struct Ends {
    pub(crate) ends: Mutex<HashMap<SagaId, Option<&'static str>>>,
    pub(crate) left: Mutex<Vec<SagaId>>,
}

impl Observer<Purchase, ()> for Ends {
    fn settled(&self, settled: Vec<Settled<Purchase, ()>>) {
        let mut ends = self.ends.lock().unwrap();
        ends.extend(settled.into_iter().map(|end| (end.saga.id, end.refusal)));
    }

    fn left(&self, ids: Vec<SagaId>) {
        self.left.lock().unwrap().extend(ids);
    }
}

pub(crate) struct Shop {
    pub(crate) seats: Arc<Desk>,
    pub(crate) till: Arc<Desk>,
    pub(crate) log: Arc<MemoryLog<Purchase>>,
    pub(crate) ends: Arc<Ends>,
    pub(crate) runner: Runner<Purchase>,
    _recovery: Recovery,
}

impl Shop {
    pub(crate) fn open() -> Self {
        Self::open_on(Arc::default())
    }

    pub(crate) fn open_on(log: Arc<MemoryLog<Purchase>>) -> Self {
        Self::open_with(log, |_| {})
    }

    /// Opens on `log` once `plan` has told the till what to do.
    pub(crate) fn open_with(log: Arc<MemoryLog<Purchase>>, plan: impl FnOnce(&Desk)) -> Self {
        let (seats, till, ends) = (Arc::new(Desk::default()), Arc::default(), Arc::default());
        plan(&till);
        let definition = Definition::new("purchase", 1)
            .step(Seat(Arc::clone(&seats)))
            .step(Charge(Arc::clone(&till)));
        let lease = Lease::new(LEASE);
        let observer = Arc::clone(&ends);
        let (runner, _) = Runner::start(
            RunnerId::generate(),
            definition,
            Arc::clone(&log),
            lease.clone(),
            observer as Arc<dyn Observer<Purchase, ()>>,
            RunnerSettings::default(),
        );
        let recovery = Recovery::start(&runner, &log, &lease, LOOK);
        Self {
            seats,
            till,
            log,
            ends,
            runner,
            _recovery: recovery,
        }
    }

    pub(crate) fn buy(&self, id: SagaId, within: Duration) {
        let purchase = Purchase { id, seats: None };
        let adopted = self.log.start(purchase, Some(self.runner.id()), within);
        self.runner.adopt(vec![adopted]);
    }

    pub(crate) async fn end_of(&self, id: SagaId) -> Option<&'static str> {
        eventually("the end", || {
            self.ends.ends.lock().unwrap().get(&id).copied()
        })
        .await
    }
}

pub(crate) fn id() -> SagaId {
    SagaId(Uuid::now_v7())
}
