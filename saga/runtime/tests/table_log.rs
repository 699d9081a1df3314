//! The engine's own table as a log, on a real Postgres.

#![expect(clippy::unwrap_used, reason = "a panic is the report of a test")]

use std::{sync::Arc, time::Duration};

use saga_runtime::{
    Adopted, Definition, Lease, LeaseSettings, Log, LogEntry, Logged, Observer, Outcome, Recovery,
    RecoverySettings, Runner, RunnerId, RunnerSettings, Saga, SagaId, Settled, Sign, Step,
    TABLE_LOG_MIGRATOR, TableLog, Undo,
};
use serde::{Deserialize, Serialize};
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool, postgres::PgConnectOptions};
use uuid::Uuid;

const LONG: Duration = Duration::from_secs(30);

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Errand {
    id: Uuid,
    done: bool,
}

impl Saga for Errand {
    type Refusal = String;

    fn id(&self) -> SagaId {
        SagaId(self.id)
    }

    fn timed_out(&self) -> String {
        "timed out".to_owned()
    }
}

struct Go;

impl Step<Errand> for Go {
    type Input = ();
    type Output = ();
    type UndoInput = ();

    const NAME: &'static str = "go";

    fn input(&self, _errand: &Errand) -> Option<()> {
        Some(())
    }

    fn output(&self, errand: &mut Errand, (): ()) {
        errand.done = true;
    }

    async fn run(&self, inputs: Vec<()>) -> Vec<Outcome<(), String>> {
        inputs.into_iter().map(Outcome::Done).collect()
    }

    fn undo_input(&self, _errand: &Errand) -> Option<()> {
        Some(())
    }

    async fn undo(&self, inputs: Vec<()>) -> Vec<Undo> {
        inputs.into_iter().map(|()| Undo::Done).collect()
    }
}

struct Deaf;

impl Observer<Errand, ()> for Deaf {
    fn settled(&self, _settled: Vec<Settled<Errand, ()>>) {}
    fn left(&self, _ids: Vec<SagaId>) {}
}

/// A database of its own with the engine's schema; dropped with the server's test databases.
struct Database {
    pool: PgPool,
    name: String,
    server: PgConnectOptions,
}

impl Database {
    async fn create() -> Self {
        let url = std::env::var("HOLDFAST_TEST_POSTGRES_URL")
            .expect("HOLDFAST_TEST_POSTGRES_URL names a server for tests; `make check` starts one");
        let server: PgConnectOptions = url.parse().expect("HOLDFAST_TEST_POSTGRES_URL is a URL");
        let name = format!("table_log_{}", Uuid::now_v7().simple());
        let mut connection = PgConnection::connect_with(&server).await.unwrap();
        let create = AssertSqlSafe(format!("create database {name}"));
        sqlx::query(create).execute(&mut connection).await.unwrap();
        let pool = PgPool::connect_with(server.clone().database(&name))
            .await
            .unwrap();
        TABLE_LOG_MIGRATOR.run(&pool).await.unwrap();
        Self { pool, name, server }
    }

    async fn drop(self) {
        self.pool.close().await;
        let mut connection = PgConnection::connect_with(&self.server).await.unwrap();
        let drop = AssertSqlSafe(format!("drop database {} with (force)", self.name));
        sqlx::query(drop).execute(&mut connection).await.unwrap();
    }

    fn log(&self) -> TableLog<Errand> {
        TableLog::new(self.pool.clone(), "errand", 1)
    }
}

fn errand() -> Errand {
    Errand {
        id: Uuid::now_v7(),
        done: false,
    }
}

fn entry(adopted: &Adopted<Errand>, turned: bool, refusal: Option<&str>) -> LogEntry<Errand> {
    LogEntry {
        saga: adopted.saga.clone(),
        epoch: adopted.epoch,
        turned,
        refusal: refusal.map(str::to_owned),
    }
}

fn sign() -> Sign {
    Sign {
        low_water: SagaId(Uuid::nil()),
        takeovers: 0,
    }
}

async fn started(log: &TableLog<Errand>, runner: RunnerId) -> Adopted<Errand> {
    log.beat(runner, sign()).await.unwrap();
    log.start(runner, vec![errand()], LONG)
        .await
        .unwrap()
        .pop()
        .expect("it is new")
}

#[tokio::test]
async fn a_start_is_made_once() {
    let database = Database::create().await;
    let (log, runner) = (database.log(), RunnerId::generate());
    let first = started(&log, runner).await;
    let again = log
        .start(runner, vec![(*first.saga).clone()], LONG)
        .await
        .unwrap();
    assert!(again.is_empty());
    database.drop().await;
}

#[tokio::test]
async fn one_of_turn_and_finish_wins() {
    let database = Database::create().await;
    let (log, runner) = (database.log(), RunnerId::generate());
    let (a, b) = (started(&log, runner).await, started(&log, runner).await);
    assert_eq!(
        log.turn(&[entry(&a, false, Some("no"))]).await,
        [Logged::Changed(())]
    );
    assert_eq!(log.finish(&[entry(&a, false, None)]).await, [Logged::Stale]);
    assert_eq!(
        log.finish(&[entry(&a, true, Some("no"))]).await,
        [Logged::Changed(())]
    );
    let both = [entry(&a, true, Some("no")), entry(&b, false, None)];
    assert_eq!(
        log.finish(&both).await,
        [Logged::Stale, Logged::Changed(())]
    );
    assert_eq!(
        log.turn(&[entry(&b, false, Some("no"))]).await,
        [Logged::Stale]
    );
    database.drop().await;
}

#[tokio::test]
async fn the_sagas_of_the_dead_change_hands_and_their_late_writes_are_refused() {
    let database = Database::create().await;
    let (log, dead, heir) = (database.log(), RunnerId::generate(), RunnerId::generate());
    let adopted = started(&log, dead).await;
    assert_eq!(log.bury(&[dead]).await, Ok(1));
    assert!(log.beats().await.unwrap().is_empty());
    let claimed = log.claim(heir, 10).await.unwrap().sagas;
    assert_eq!((claimed.len(), claimed[0].epoch), (1, 3));
    assert_eq!(
        log.finish(&[entry(&adopted, false, None)]).await,
        [Logged::Stale]
    );
    let late = log.start(dead, vec![errand()], LONG).await.unwrap();
    assert!(late.is_empty(), "who is buried carries nothing new");
    assert_eq!(log.claim(heir, 10).await.unwrap().sagas.len(), 1);
    database.drop().await;
}

#[tokio::test]
async fn one_undecodable_saga_is_parked_and_the_others_end() {
    let database = Database::create().await;
    let log = Arc::new(database.log());
    let nobody = RunnerId::generate();
    let errands: Vec<_> = (0..20).map(|_| errand()).collect();
    let spoilt = errands[7].id;
    log.start(nobody, errands, LONG).await.unwrap();
    sqlx::query("update sagas set body = '{\"id\": 7}' where saga_id = $1")
        .bind(spoilt)
        .execute(&database.pool)
        .await
        .unwrap();
    let lease = Lease::new(LeaseSettings::default());
    let definition = Definition::new("errand", 1).step(Go);
    let (runner, _) = Runner::start(
        RunnerId::generate(),
        definition,
        Arc::clone(&log),
        lease.clone(),
        Arc::new(Deaf) as Arc<dyn Observer<Errand, ()>>,
        RunnerSettings::default(),
    );
    let _recovery = Recovery::start(&runner, &log, &lease, RecoverySettings::default());
    let give_up = tokio::time::Instant::now() + LONG;
    let ended = loop {
        let counted: (i64, i64) = sqlx::query_as(
            "select count(*) filter (where state = 5), count(*) filter (where halt = 2)
            from sagas",
        )
        .fetch_one(&database.pool)
        .await
        .unwrap();
        if counted.0 + counted.1 == 20 {
            break counted;
        }
        assert!(
            tokio::time::Instant::now() < give_up,
            "ended and parked: {counted:?}"
        );
    };
    assert_eq!(ended, (19, 1));
    runner.stop().await;
    database.drop().await;
}
