//! The order database's promises, on a real Postgres.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use holdfast_kit::{
    id::OrderId,
    money::Money,
    refusal::{Reason, Refusal},
};
use holdfast_postgres::testing::TestDatabase;
use saga_batch::{Limits, Writer};
use saga_runtime::{
    Claimed, Lease, LeaseSettings, Log, Runner, RunnerId, RunnerSettings, SagaId, Sign,
};
use sqlx::PgPool;
use uuid::Uuid;

use super::{Carrier, OrderLog, Place, PlaceItem, Placed};
use crate::{
    MIGRATOR,
    decisions::Decisions,
    domain::{Capture, Line, Order, Placement, Priority},
    saga::place::{self, Placing},
};

mod cancel;
mod plans;
mod start;
mod takeover;
mod verdicts;

/// An order database with a runner that carries orders and never starts a step: its lease is not
/// live.
struct Shop {
    database: TestDatabase,
    pool: PgPool,
    log: Arc<OrderLog>,
    runner: Runner<Placing>,
    place: Writer<Place>,
}

impl Shop {
    async fn open() -> Self {
        let database = TestDatabase::create("order", &MIGRATOR).await;
        let pool = database.pool().await;
        let (log, _) = OrderLog::start(&database.options(), pool.clone(), pool.clone());
        let log = Arc::new(log);
        let decisions = Arc::new(Decisions::default());
        let nowhere =
            || tonic::transport::Channel::from_static("http://127.0.0.1:9").connect_lazy();
        let (runner, _) = Runner::start(
            RunnerId::generate(),
            place::definition(nowhere(), nowhere()),
            Arc::clone(&log),
            Lease::new(LeaseSettings::default()),
            Arc::clone(&decisions) as _,
            RunnerSettings::default(),
        );
        let command = Place {
            new_keys: saga_batch::NewKeys::default(),
            runner: runner.clone(),
            decisions,
        };
        let (place, _) = Writer::start(command, database.options(), Limits::default());
        log.beat(runner.id(), sign(SagaId(Uuid::now_v7()), 0))
            .await
            .unwrap();
        Self {
            database,
            pool,
            log,
            runner,
            place,
        }
    }

    async fn place(&self, placements: Vec<Placement>) -> Vec<Placed> {
        let items = placements.into_iter().map(|placement| PlaceItem {
            placement: Arc::new(placement),
            carrier: Carrier::Here,
            verdict: None,
            trace: None,
        });
        let placed = self.place.submit_all(items.collect()).await;
        placed.into_iter().map(|placed| placed.unwrap()).collect()
    }

    async fn new_order(&self, request_id: &str) -> OrderId {
        match &self.place(vec![placement("c", request_id)]).await[..] {
            [Placed::New { id, .. }] => *id,
            other => panic!("not new: {other:?}"),
        }
    }

    /// A runner of another process, alive, that has a mark above everything.
    async fn heir(&self) -> RunnerId {
        let heir = RunnerId::generate();
        let sign = sign(SagaId(Uuid::now_v7()), 0);
        self.log.beat(heir, sign).await.unwrap();
        heir
    }

    async fn claim(&self, heir: RunnerId) -> Vec<Claimed<Placing>> {
        self.log.claim(heir, 10).await.unwrap().sagas
    }

    async fn count(&self, query: &'static str) -> i64 {
        sqlx::query_scalar(query)
            .fetch_one(&self.pool)
            .await
            .unwrap()
    }

    async fn order(&self, id: OrderId) -> Order {
        super::Reads::new(self.pool.clone())
            .by_id(&[id])
            .await
            .unwrap()
            .remove(0)
    }
}

fn sign(low_water: SagaId, takeovers: i64) -> Sign {
    Sign {
        low_water,
        takeovers,
    }
}

fn placement(customer_id: &str, request_id: &str) -> Placement {
    Placement {
        customer_id: customer_id.into(),
        request_id: request_id.into(),
        lines: vec![Line {
            sku: "A".into(),
            quantity: 2,
            unit_price: 250,
            location_id: None,
        }],
        adjustments: Vec::new(),
        total: Money::new("EUR".parse().unwrap(), 500).unwrap(),
        payment_method: "tok_ok".into(),
        capture: Capture::OnConfirm,
        priority: Priority::Normal,
        decide_within: Some(Duration::from_secs(30)),
        metadata: BTreeMap::from([("basket".to_owned(), "7".to_owned())]),
    }
}

fn entry(
    id: OrderId,
    epoch: i64,
    turned: bool,
    reason: Option<Reason>,
) -> saga_runtime::LogEntry<Placing> {
    saga_runtime::LogEntry {
        saga: Box::new(Placing {
            order_id: id,
            placement: Arc::new(placement("c", "r")),
            create_time: chrono::DateTime::default(),
            allocations: None,
            captured_minor_units: 500,
            trace: None,
        }),
        epoch,
        turned,
        refusal: reason.map(|reason| Refusal::new(reason, "no")),
    }
}
