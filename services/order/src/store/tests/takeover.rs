//! Takeover: whoever is buried has given up everything, and nothing is left to nobody.

use saga_runtime::{
    Lease, LeaseSettings, Log, Recovery, RecoverySettings, RunnerId, RunnerSettings, SagaId,
    testkit::eventually,
};
use uuid::Uuid;

use super::{Shop, entry, sign};

/// An order of the runner $1 with the id $2, as a start makes it.
const ORDER: &str = "insert into orders (shard, order_id, customer_id, request_id, state, version,
        currency_code, total_minor_units, lines, payment_method, capture, priority, create_time,
        update_time, definition_version, deadline, runner, epoch)
    values (('x' || right($2::text, 3))::bit(12)::int & 1023, $2, 'c', 'r', 1, 1, 'EUR', 0, '[]', '',
        1, 1, now(), now(), 1, now() + interval '1 minute', $1, 1)";

#[tokio::test]
async fn the_sagas_of_the_buried_are_claimed_with_a_higher_epoch() {
    let shop = Shop::open().await;
    let id = shop.new_order("r").await;
    let heir = shop.heir().await;
    assert!(shop.claim(heir).await.is_empty(), "they are somebody's");
    shop.log
        .beat(shop.runner.id(), sign(SagaId(id.as_uuid()), 0))
        .await
        .unwrap();
    assert_eq!(shop.log.bury(&[shop.runner.id()]).await, Ok(1));
    let claimed = shop.claim(heir).await;
    assert_eq!((claimed.len(), claimed[0].epoch), (1, 3));
    let late = shop.log.finish(&[entry(id, 1, false, None)]).await;
    assert!(matches!(late[..], [saga_runtime::Logged::Stale]));
}

#[tokio::test]
async fn what_a_buried_runner_starts_belongs_to_nobody() {
    let shop = Shop::open().await;
    shop.log.bury(&[shop.runner.id()]).await.unwrap();
    shop.new_order("r").await;
    assert_eq!(shop.claim(shop.heir().await).await.len(), 1);
}

#[tokio::test]
async fn a_start_in_flight_is_given_up_with_the_rest() {
    let shop = Shop::open().await;
    let runner = shop.runner.id();
    // Holds the beat row as a start does until its commit, and inserts what that start would.
    let mut start = shop.pool.begin().await.unwrap();
    sqlx::query("select 1 from saga_runners where runner = $1 for key share")
        .bind(runner.0)
        .execute(&mut *start)
        .await
        .unwrap();
    shop.log
        .beat(runner, sign(SagaId(Uuid::nil()), 0))
        .await
        .unwrap();
    sqlx::query(ORDER)
        .bind(runner.0)
        .bind(Uuid::now_v7())
        .execute(&mut *start)
        .await
        .unwrap();
    let dead = [runner];
    let (given_up, committed) = tokio::join!(shop.log.bury(&dead), async {
        someone_waits_for_a_lock(&shop).await;
        start.commit().await
    });
    committed.unwrap();
    assert_eq!(given_up, Ok(1));
}

async fn someone_waits_for_a_lock(shop: &Shop) {
    let give_up = tokio::time::Instant::now() + std::time::Duration::from_secs(10);
    let waiting = "select count(*) from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'";
    while shop.count(waiting).await == 0 {
        assert!(
            tokio::time::Instant::now() < give_up,
            "nobody waits for a lock"
        );
    }
}

#[tokio::test]
async fn a_start_whose_answer_was_lost_is_found_and_carried() {
    let shop = Shop::open().await;
    let runner = &shop.runner;
    let start = runner.starting();
    let id = SagaId(Uuid::now_v7());
    shop.log.beat(runner.id(), sign(id, 0)).await.unwrap();
    // The writer has given the insert up, and the server makes it all the same.
    drop(start);
    sqlx::query(ORDER)
        .bind(runner.id().0)
        .bind(id.0)
        .execute(&shop.pool)
        .await
        .unwrap();
    let lease = Lease::new(LeaseSettings::default());
    let _recovery = Recovery::start(runner, &shop.log, &lease, RecoverySettings::default());
    eventually("it is carried", || {
        (runner.room() == RunnerSettings::default().window_max - 1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn attempts_are_counted_on_by_the_next_runner() {
    let shop = Shop::open().await;
    let id = SagaId(shop.new_order("r").await.as_uuid());
    let trouble = saga_runtime::Trouble {
        id,
        epoch: 1,
        step: "pay",
        undo: true,
        attempts: 7,
        error: "nobody is there".to_owned(),
        next_in: Some(std::time::Duration::from_secs(5)),
        halt: None,
    };
    shop.log.trouble(&[trouble]).await.unwrap();
    let due = "select count(*) from orders
        where (trouble ->> 'next_time')::timestamptz between now() and now() + interval '5 s'";
    assert_eq!(shop.count(due).await, 1);
    shop.log.release(shop.runner.id(), &[id]).await.unwrap();
    let claimed = shop.claim(shop.heir().await).await;
    let noted = saga_runtime::Noted {
        step: "pay".to_owned(),
        undo: true,
        attempts: 7,
    };
    assert_eq!(claimed[0].noted, Some(noted));
}

#[tokio::test]
async fn a_saga_of_a_later_version_is_counted_and_left() {
    let shop = Shop::open().await;
    let id = SagaId(shop.new_order("r").await.as_uuid());
    assert_eq!(shop.log.unknown().await, Ok(0));
    sqlx::query("update orders set definition_version = 30000")
        .execute(&shop.pool)
        .await
        .unwrap();
    shop.log.release(shop.runner.id(), &[id]).await.unwrap();
    assert_eq!(shop.log.unknown().await, Ok(1));
    assert!(shop.claim(shop.heir().await).await.is_empty());
}

#[tokio::test]
async fn a_released_saga_is_anybodys_at_once() {
    let shop = Shop::open().await;
    let id = SagaId(shop.new_order("r").await.as_uuid());
    shop.log.release(shop.runner.id(), &[id]).await.unwrap();
    let claimed = shop.claim(shop.heir().await).await;
    assert_eq!(claimed.len(), 1);
    assert!(claimed[0].remaining > std::time::Duration::from_secs(20));
}

#[tokio::test]
async fn what_a_runner_took_over_last_is_found_by_its_heirs() {
    let shop = Shop::open().await;
    let id = SagaId(shop.new_order("r").await.as_uuid());
    shop.log.beat(shop.runner.id(), sign(id, 0)).await.unwrap();
    shop.log.bury(&[shop.runner.id()]).await.unwrap();

    // It dies right after the claim: its last sign of life was made before.
    let second = shop.heir().await;
    assert_eq!(shop.claim(second).await.len(), 1);
    assert_eq!(shop.log.bury(&[second]).await, Ok(1));

    // Or after a sign of life that was on its way during the claim.
    let third = shop.heir().await;
    assert_eq!(shop.claim(third).await.len(), 1);
    let late = sign(SagaId(Uuid::now_v7()), 0);
    shop.log.beat(third, late).await.unwrap();
    assert_eq!(shop.log.bury(&[third]).await, Ok(1));

    // One that has seen the takeover raises the mark again.
    let fourth = shop.heir().await;
    let taken = shop.log.claim(fourth, 10).await.unwrap();
    let whole = sign(SagaId(Uuid::now_v7()), taken.takeovers);
    shop.log.beat(fourth, whole).await.unwrap();
    assert_eq!(shop.log.bury(&[fourth]).await, Ok(0));
}

#[tokio::test]
async fn what_a_lost_claim_has_taken_over_is_read_as_the_runners_own() {
    let shop = Shop::open().await;
    let id = SagaId(shop.new_order("r").await.as_uuid());
    shop.log.beat(shop.runner.id(), sign(id, 0)).await.unwrap();
    shop.log.bury(&[shop.runner.id()]).await.unwrap();
    let heir = shop.heir().await;
    let claimed = shop.log.claim(heir, 10).await.unwrap();
    let found = shop.log.carried(heir, 10).await.unwrap();
    assert_eq!(found.takeovers, claimed.takeovers);
    assert_eq!(found.sagas[0].id, id);
    assert_eq!(found.sagas[0].epoch, claimed.sagas[0].epoch);
}

#[tokio::test]
async fn who_is_buried_takes_nothing_over() {
    let shop = Shop::open().await;
    let id = SagaId(shop.new_order("r").await.as_uuid());
    shop.log.beat(shop.runner.id(), sign(id, 0)).await.unwrap();
    shop.log.bury(&[shop.runner.id()]).await.unwrap();
    assert!(shop.claim(RunnerId::generate()).await.is_empty());
}
