//! Takeover: whoever is buried has given up everything, and nothing is left to nobody.

use saga_runtime::{Log, RunnerId, SagaId};
use uuid::Uuid;

use super::{Shop, entry};

#[tokio::test]
async fn the_sagas_of_the_buried_are_claimed_with_a_higher_epoch() {
    let shop = Shop::open().await;
    let id = shop.new_order("r").await;
    let heir = RunnerId::generate();
    assert!(
        shop.log.claim(heir, 10).await.unwrap().is_empty(),
        "they are somebody's"
    );
    shop.log
        .beat(shop.runner.id(), SagaId(id.as_uuid()))
        .await
        .unwrap();
    assert_eq!(shop.log.bury(&[shop.runner.id()]).await, Ok(1));
    let claimed = shop.log.claim(heir, 10).await.unwrap();
    assert_eq!((claimed.len(), claimed[0].epoch), (1, 3));
    let late = shop.log.finish(&[entry(id, 1, false, None)]).await;
    assert!(matches!(late[..], [saga_runtime::Logged::Stale]));
}

#[tokio::test]
async fn what_a_buried_runner_starts_belongs_to_nobody() {
    let shop = Shop::open().await;
    shop.log.bury(&[shop.runner.id()]).await.unwrap();
    shop.new_order("r").await;
    assert_eq!(
        shop.log
            .claim(RunnerId::generate(), 10)
            .await
            .unwrap()
            .len(),
        1
    );
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
    shop.log.beat(runner, SagaId(Uuid::nil())).await.unwrap();
    let insert = "insert into orders (shard, order_id, customer_id, request_id, state, version,
            currency_code, total_minor_units, lines, payment_method, capture, priority,
            create_time, update_time, definition_version, deadline, runner, epoch)
        values (0, $2, 'c', 'r', 1, 1, 'EUR', 0, '[]', '', 1, 1, now(), now(), 1, now(), $1, 1)";
    sqlx::query(insert)
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
async fn a_start_whose_answer_was_lost_is_given_up_and_held_in_view_until_then() {
    let shop = Shop::open().await;
    let runner = shop.runner.id();
    let (lost, found) = (shop.new_order("lost").await, shop.new_order("found").await);
    let ids = [lost, found];
    drop(shop.lost.attempt(&ids, shop.runner.starting()));
    shop.lost.found(std::iter::once(found));

    // It may still be on its way.
    let long = std::time::Duration::from_secs(60);
    shop.lost.give_up_older(&shop.log, runner, long).await;
    let heir = RunnerId::generate();
    assert!(shop.log.claim(heir, 10).await.unwrap().is_empty());

    let now = std::time::Duration::ZERO;
    shop.lost.give_up_older(&shop.log, runner, now).await;
    let claimed = shop.log.claim(heir, 10).await.unwrap();
    let claimed: Vec<_> = claimed.iter().map(|claimed| claimed.id).collect();
    assert_eq!(claimed, [SagaId(lost.as_uuid())]);
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
    let claimed = shop.log.claim(RunnerId::generate(), 10).await.unwrap();
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
    assert!(
        shop.log
            .claim(RunnerId::generate(), 10)
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn a_released_saga_is_anybodys_at_once() {
    let shop = Shop::open().await;
    let id = SagaId(shop.new_order("r").await.as_uuid());
    shop.log.release(shop.runner.id(), &[id]).await.unwrap();
    let claimed = shop.log.claim(RunnerId::generate(), 10).await.unwrap();
    assert_eq!(claimed.len(), 1);
    assert!(claimed[0].remaining > std::time::Duration::from_secs(20));
}
