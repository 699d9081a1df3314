//! Cancel: one winner, one key, one history.

use std::sync::Arc;

use holdfast_kit::{id::OrderId, refusal::Reason};
use holdfast_postgres::testing::TestDatabase;
use saga_batch::{Limits, Writer};
use saga_runtime::{
    Definition, Lease, LeaseSettings, Log, LogEntry, Logged, Observer, Recovery, Runner, RunnerId,
    RunnerSettings, SagaId, Settled, TABLE_LOG_MIGRATOR, testkit::eventually,
};

use super::{Shop, entry, placement, sign};
use crate::{
    domain::{CancelItem, OrderState, Target},
    saga::cancel::{Cancelling, NAME, VERSION},
    store::{CancelLog, CancelOrders, CancelReply, Placed},
};

struct Desk {
    writer: Writer<CancelOrders>,
    log: Arc<CancelLog>,
}

struct Nobody;

impl Observer<Cancelling, ()> for Nobody {
    fn settled(&self, _: Vec<Settled<Cancelling, ()>>) {}
    fn left(&self, _: Vec<SagaId>) {}
}

impl Desk {
    /// Starts cancels; their sagas have no steps, and a runner that shows no sign of life by itself.
    async fn open(shop: &Shop) -> (Self, Runner<Cancelling>, Lease) {
        let log = Arc::new(CancelLog::new(shop.pool.clone()));
        let lease = Lease::new(LeaseSettings::default());
        let (cancelling, _) = Runner::start(
            RunnerId::generate(),
            Definition::new(NAME, VERSION).pivot(),
            Arc::clone(&log),
            lease.clone(),
            Arc::new(Nobody),
            RunnerSettings::default(),
        );
        let command = CancelOrders {
            placing: shop.runner.clone(),
            cancelling: cancelling.clone(),
            log: Arc::clone(&log),
        };
        let (writer, _) = Writer::start(command, shop.database.options(), Limits::default());
        (Self { writer, log }, cancelling, lease)
    }

    async fn cancel(&self, target: &Target, key: &str, expected: Option<i64>) -> CancelReply {
        let item = CancelItem {
            target: target.clone(),
            request_id: key.to_owned(),
            reason: "changed my mind".to_owned(),
            expected_version: expected,
        };
        self.writer.submit(item).await.unwrap()
    }
}

fn taken(reply: CancelReply) -> (OrderState, i64, bool, bool) {
    match reply {
        CancelReply::Taken {
            order,
            plan,
            replayed,
        } => (order.state, order.version, plan.is_some(), replayed),
        other => panic!("{other:?}"),
    }
}

async fn history(shop: &Shop, id: OrderId) -> Vec<(i64, i16, i16)> {
    sqlx::query_as(
        "select version, type, state from order_history where order_id = $1 order by position",
    )
    .bind(id.as_uuid())
    .fetch_all(&shop.pool)
    .await
    .unwrap()
}

#[tokio::test]
async fn a_running_order_is_turned_and_taken_over_and_its_finish_loses() {
    let shop = Shop::open().await;
    let (desk, _, _) = Desk::open(&shop).await;
    let id = shop.new_order("r").await;
    let target = Target::Order(id);
    let first = taken(desk.cancel(&target, "k", None).await);
    assert_eq!(first, (OrderState::Cancelling, 2, true, false));
    let late = shop.log.finish(&[entry(id, 1, false, None)]).await;
    assert!(matches!(late[..], [Logged::Stale]), "the cancel has won");

    let again = taken(desk.cancel(&target, "k", None).await);
    assert_eq!(again, (OrderState::Cancelling, 2, true, true));
    let other = taken(desk.cancel(&target, "k2", None).await);
    assert_eq!(other, (OrderState::Cancelling, 2, false, false));

    let undone = entry(id, 2, true, Some(Reason::Cancelled));
    let ended = shop.log.finish(&[undone]).await;
    assert!(matches!(ended[..], [Logged::Changed(_)]));
    let order = shop.order(id).await;
    assert_eq!((order.state, order.version), (OrderState::Cancelled, 3));
    assert_eq!(order.cancel_reason, "changed my mind");
    assert_eq!(
        history(&shop, id).await,
        [(1, 1, 1), (2, 4, 5), (3, 5, 6)],
        "placed, cancelling, cancelled"
    );
}

#[tokio::test]
async fn a_turned_order_of_a_dead_canceller_is_claimed_and_found_by_its_mark() {
    let shop = Shop::open().await;
    let (desk, _, _) = Desk::open(&shop).await;
    let id = shop.new_order("r").await;
    // Its mark stands above the order, as after the order was another's.
    let high = sign(SagaId(uuid::Uuid::now_v7()), 0);
    shop.log.beat(shop.runner.id(), high).await.unwrap();
    desk.cancel(&Target::Order(id), "k", None).await;
    assert_eq!(shop.log.bury(&[shop.runner.id()]).await, Ok(1));
    let claimed = shop.claim(shop.heir().await).await;
    let refusal = claimed[0].refusal.as_ref().map(|refusal| refusal.reason);
    assert_eq!(refusal, Some(Reason::Cancelled));
}

#[tokio::test]
async fn a_confirmed_order_is_cancelled_by_a_saga_of_its_own() {
    let shop = Shop::open().await;
    let (desk, cancelling, lease) = Desk::open(&shop).await;
    let id = shop.new_order("r").await;
    shop.log.finish(&[entry(id, 1, false, None)]).await;
    let recovery = Recovery::start(&cancelling, &desk.log, &lease, Default::default());
    let begun = desk.cancel(&Target::Order(id), "k", Some(2)).await;
    let CancelReply::Taken { plan, .. } = &begun else {
        panic!("{begun:?}");
    };
    let money = plan.as_ref().and_then(|plan| plan.money).unwrap();
    assert_eq!((money.void, money.refund), (0, 500));
    assert_eq!(taken(begun), (OrderState::Cancelling, 3, true, false));
    let give_up = tokio::time::Instant::now() + std::time::Duration::from_secs(10);
    while shop.order(id).await.state != OrderState::Cancelled {
        assert!(tokio::time::Instant::now() < give_up, "it does not end");
    }
    let order = shop.order(id).await;
    assert_eq!((order.version, order.refunded_minor_units), (4, 500));
    assert_eq!(
        history(&shop, id).await,
        [(1, 1, 1), (2, 2, 2), (3, 4, 5), (4, 5, 6)]
    );
    eventually("the saga is let go", || {
        (cancelling.room() == RunnerSettings::default().window_max).then_some(())
    })
    .await;
    drop(recovery);
}

#[tokio::test]
async fn an_end_whose_order_is_not_its_own_costs_itself_only() {
    let shop = Shop::open().await;
    let (desk, _, _) = Desk::open(&shop).await;
    for key in ["misfit", "sound"] {
        let id = shop.new_order(key).await;
        shop.log.finish(&[entry(id, 1, false, None)]).await;
        desk.cancel(&Target::Order(id), "k", None).await;
    }
    let spoil = "update orders set changed_by = gen_random_uuid() where request_id = 'misfit'";
    sqlx::query(spoil).execute(&shop.pool).await.unwrap();
    // Their runner has shown no sign of life, so that the sagas are nobody's.
    let taken = desk.log.claim(RunnerId::generate(), 2).await.unwrap();
    let entries = taken.sagas.into_iter().map(|claimed| LogEntry {
        saga: claimed.saga.unwrap(),
        epoch: claimed.epoch,
        turned: false,
        refusal: None,
    });
    let mut entries: Vec<_> = entries.collect();
    entries.sort_by_key(|entry| entry.saga.saga_id);
    let together = desk.log.finish(&entries).await;
    assert!(
        matches!(together[..], [Logged::Impossible(_), Logged::Lost]),
        "{together:?}"
    );
    let alone = desk.log.finish(&entries[1..]).await;
    assert!(matches!(alone[..], [Logged::Changed(())]), "{alone:?}");
    let unfinished = "select count(*) from sagas where state = 1";
    assert_eq!(shop.count(unfinished).await, 1);
}

#[tokio::test]
async fn a_stale_page_cancels_nothing_and_binds_nothing() {
    let shop = Shop::open().await;
    let (desk, _, _) = Desk::open(&shop).await;
    let id = shop.new_order("r").await;
    shop.log.finish(&[entry(id, 1, false, None)]).await;
    let stale = desk.cancel(&Target::Order(id), "k", Some(1)).await;
    assert!(matches!(stale, CancelReply::VersionMismatch(m) if m.actual == 2));
    let fresh = taken(desk.cancel(&Target::Order(id), "k", Some(2)).await);
    assert_eq!(fresh, (OrderState::Cancelling, 3, true, false));
    let reused = desk.cancel(&Target::Order(id), "k", Some(1)).await;
    assert!(matches!(reused, CancelReply::KeyReused { fields } if fields == ["expected_version"]));
}

#[tokio::test]
async fn a_placement_that_never_came_is_entombed_and_comes_too_late() {
    let shop = Shop::open().await;
    let (desk, _, _) = Desk::open(&shop).await;
    let target = Target::Placement {
        customer_id: "c".to_owned(),
        request_id: "r".to_owned(),
    };
    let nothing = desk.cancel(&target, "k", Some(1)).await;
    assert!(matches!(nothing, CancelReply::NotFound));
    let first = taken(desk.cancel(&target, "k", None).await);
    assert_eq!(first, (OrderState::Cancelled, 1, false, false));
    let again = taken(desk.cancel(&target, "k", None).await);
    assert_eq!(again, (OrderState::Cancelled, 1, false, true));
    match &shop.place(vec![placement("c", "r")]).await[..] {
        [Placed::Existing(order)] => {
            assert_eq!((order.state, order.version), (OrderState::Cancelled, 1));
            assert_eq!(history(&shop, order.id).await, [(1, 5, 6)]);
        }
        other => panic!("{other:?}"),
    }
    assert!(shop.claim(shop.heir().await).await.is_empty());
}

#[tokio::test]
async fn a_cancel_and_a_finish_of_one_order_have_one_winner() {
    let shop = Shop::open().await;
    let (desk, _, _) = Desk::open(&shop).await;
    for round in 0..100 {
        let id = shop.new_order(&format!("r{round}")).await;
        let (target, entries) = (Target::Order(id), [entry(id, 1, false, None)]);
        let (cancelled, finished) =
            tokio::join!(desk.cancel(&target, "k", None), shop.log.finish(&entries),);
        let (state, version, ..) = taken(cancelled);
        assert_eq!(state, OrderState::Cancelling);
        let finished = matches!(finished[..], [Logged::Changed(_)]);
        let own_saga = version == 3;
        assert_eq!(finished, own_saga, "round {round}: version {version}");
    }
}

/// The columns, constraints and indexes of the engine's tables.
const TABLES: &str = "
    select concat_ws(' ', c.table_name, c.column_name, c.data_type, c.is_nullable)
    from information_schema.columns c
    where c.table_name in ('sagas', 'saga_log_runners')
    union all
    select concat_ws(' ', r.conrelid::regclass, r.conname, pg_get_constraintdef(r.oid))
    from pg_constraint r
    where r.conrelid in ('sagas'::regclass, 'saga_log_runners'::regclass)
    union all
    select i.indexdef
    from pg_indexes i
    where i.tablename in ('sagas', 'saga_log_runners')
    order by 1";

#[tokio::test]
async fn the_engines_tables_are_as_the_engine_has_them() {
    let shop = Shop::open().await;
    let engine = TestDatabase::create("engine", &TABLE_LOG_MIGRATOR).await;
    let engine = engine.pool().await;
    let mut tables: Vec<Vec<String>> = Vec::new();
    for pool in [&shop.pool, &engine] {
        tables.push(sqlx::query_scalar(TABLES).fetch_all(pool).await.unwrap());
    }
    assert!(tables[0].len() > 20, "{:?}", tables[0]);
    assert_eq!(tables[0], tables[1]);
}
