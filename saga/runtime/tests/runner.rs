//! The runner on a log in memory, with a shop of two participants that can refuse, forget to answer
//! and bar.

#![expect(clippy::unwrap_used, reason = "a panic is the report of a test")]

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
const LONG: Duration = Duration::from_secs(30);

#[derive(Clone, Debug)]
struct Purchase {
    id: SagaId,
    seats: Option<u32>,
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
struct Desk {
    script: Mutex<HashMap<SagaId, Vec<Script>>>,
    seen: Mutex<Vec<(&'static str, SagaId)>>,
    largest_batch: Mutex<usize>,
}

#[derive(Clone, Copy, Debug)]
enum Script {
    Refuse,
    Unknown,
    Bar,
}

impl Desk {
    fn plan(&self, id: SagaId, script: &[Script]) {
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

    fn saw(&self, id: SagaId) -> Vec<&'static str> {
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
struct Ends {
    ends: Mutex<HashMap<SagaId, Option<&'static str>>>,
    left: Mutex<Vec<SagaId>>,
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

struct Shop {
    seats: Arc<Desk>,
    till: Arc<Desk>,
    log: Arc<MemoryLog<Purchase>>,
    ends: Arc<Ends>,
    runner: Runner<Purchase>,
    _recovery: Recovery,
}

impl Shop {
    fn open() -> Self {
        Self::open_on(Arc::default())
    }

    fn open_on(log: Arc<MemoryLog<Purchase>>) -> Self {
        let (seats, till, ends) = (Arc::new(Desk::default()), Arc::default(), Arc::default());
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

    fn buy(&self, id: SagaId, within: Duration) {
        let purchase = Purchase { id, seats: None };
        let adopted = self.log.start(purchase, Some(self.runner.id()), within);
        self.runner.adopt(vec![adopted]);
    }

    async fn end_of(&self, id: SagaId) -> Option<&'static str> {
        eventually("the end", || {
            self.ends.ends.lock().unwrap().get(&id).copied()
        })
        .await
    }
}

fn id() -> SagaId {
    SagaId(Uuid::now_v7())
}

#[tokio::test]
async fn a_happy_saga_ends_well_with_what_its_steps_gave() {
    let shop = Shop::open();
    let id = id();
    shop.buy(id, LONG);
    assert_eq!(shop.end_of(id).await, None);
    let row = shop.log.row(id).unwrap();
    assert!(row.ended && !row.turned);
    assert_eq!(row.saga.seats, Some(7));
}

#[tokio::test]
async fn sagas_that_come_together_share_batches() {
    let shop = Shop::open();
    let ids: Vec<_> = (0..300).map(|_| id()).collect();
    for id in &ids {
        shop.buy(*id, LONG);
    }
    for id in &ids {
        assert_eq!(shop.end_of(*id).await, None);
    }
    let largest = *shop.seats.largest_batch.lock().unwrap();
    assert!(largest > 10, "the largest batch had {largest}");
    assert_eq!(shop.runner.room(), RunnerSettings::default().window_max);
}

#[tokio::test]
async fn a_refused_second_step_undoes_the_first_alone() {
    let shop = Shop::open();
    let id = id();
    shop.till.plan(id, &[Script::Refuse]);
    shop.buy(id, LONG);
    assert_eq!(shop.end_of(id).await, Some("sold out"));
    assert_eq!(shop.seats.saw(id), ["seat", "undo seat"]);
    assert_eq!(shop.till.saw(id), ["charge"]);
}

#[tokio::test]
async fn an_unknown_answer_is_asked_again_and_leaves_a_trouble() {
    let shop = Shop::open();
    let id = id();
    shop.till.plan(
        id,
        &[
            Script::Unknown,
            Script::Unknown,
            Script::Unknown,
            Script::Unknown,
        ],
    );
    shop.buy(id, LONG);
    assert_eq!(shop.end_of(id).await, None);
    assert_eq!(shop.till.saw(id).len(), 5);
    let trouble = eventually("the trouble", || {
        shop.log.row(id).and_then(|row| row.trouble)
    })
    .await;
    assert_eq!((trouble.step, trouble.undo), ("charge", false));
}

#[tokio::test]
async fn a_saga_whose_time_is_up_undoes_what_may_have_happened() {
    let shop = Shop::open();
    let id = id();
    shop.till.plan(id, &[Script::Unknown; 500]);
    shop.buy(id, Duration::from_millis(150));
    assert_eq!(shop.end_of(id).await, Some("timed out"));
    assert_eq!(shop.till.saw(id).last(), Some(&"undo charge"));
    assert_eq!(shop.seats.saw(id), ["seat", "undo seat"]);
}

#[tokio::test]
async fn lost_answers_of_the_log_change_nothing() {
    let shop = Shop::open();
    let (happy, refused) = (id(), id());
    shop.till.plan(refused, &[Script::Refuse]);
    shop.log.lose_answers(1);
    shop.buy(refused, LONG);
    assert_eq!(shop.end_of(refused).await, Some("sold out"));
    shop.log.lose_answers(1);
    shop.buy(happy, LONG);
    eventually("that it is left", || {
        shop.ends
            .left
            .lock()
            .unwrap()
            .contains(&happy)
            .then_some(())
    })
    .await;
    let row = shop.log.row(happy).unwrap();
    assert!(
        row.ended && row.refusal.is_none(),
        "the finish had been written"
    );
}

#[tokio::test]
async fn a_barred_saga_follows_its_row() {
    let shop = Shop::open();
    let id = id();
    shop.till.plan(id, &[Script::Bar]);
    let purchase = Purchase { id, seats: None };
    let adopted = shop.log.start(purchase, Some(shop.runner.id()), LONG);
    shop.log
        .turn_from_outside(id, RunnerId::generate(), "cancelled");
    shop.runner.adopt(vec![adopted]);
    eventually("that it is left", || {
        shop.ends.left.lock().unwrap().contains(&id).then_some(())
    })
    .await;
    assert_eq!(
        shop.seats.saw(id),
        ["seat"],
        "it undoes nothing that is another's"
    );
}

#[tokio::test]
async fn a_silent_runners_sagas_are_taken_over_and_its_late_writes_refused() {
    let log = Arc::new(MemoryLog::default());
    let silent = Shop::open_on(Arc::clone(&log));
    let id = id();
    // It can neither decide nor beat from here on.
    silent.till.plan(id, &[Script::Unknown; 500]);
    silent.buy(id, LONG);
    eventually("its first step", || {
        (!silent.till.saw(id).is_empty()).then_some(())
    })
    .await;
    log.silence(silent.runner.id());
    let peer = Shop::open_on(Arc::clone(&log));
    assert_eq!(peer.end_of(id).await, None);
    let row = log.row(id).unwrap();
    assert_eq!((row.ended, row.runner), (true, Some(peer.runner.id())));
    assert!(row.epoch > 1);
}

#[tokio::test]
async fn a_stopping_runner_gives_its_sagas_up_at_once() {
    let log = Arc::new(MemoryLog::default());
    let stopping = Shop::open_on(Arc::clone(&log));
    let id = id();
    stopping.till.plan(id, &[Script::Unknown; 500]);
    stopping.buy(id, LONG);
    eventually("its first step", || {
        (!stopping.till.saw(id).is_empty()).then_some(())
    })
    .await;
    stopping.runner.stop().await;
    assert_eq!(log.row(id).unwrap().runner, None);
    let peer = Shop::open_on(Arc::clone(&log));
    assert_eq!(peer.end_of(id).await, None);
}

#[tokio::test]
async fn a_saga_that_belongs_to_nobody_is_taken_up() {
    let shop = Shop::open();
    let id = id();
    shop.log.start(Purchase { id, seats: None }, None, LONG);
    assert_eq!(shop.end_of(id).await, None);
    assert_eq!(shop.log.row(id).unwrap().epoch, 2);
}
