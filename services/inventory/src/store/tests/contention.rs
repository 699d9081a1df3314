//! A stock row that somebody outside keeps locked delays the orders that need it and no others.

use std::time::Duration;

use sqlx::Connection;
use tokio::time::timeout;

use super::replica::{Replica, adjust, check_invariants, count, database, done, order, units};
use crate::domain::change;
use crate::domain::record::Answer;
use crate::domain::release::{Answer as ReleaseAnswer, End};

/// Far less than 50 batches would take if each waited for the held row.
const SOON: Duration = Duration::from_millis(2_500);

#[tokio::test]
async fn a_row_locked_from_outside_delays_its_own_orders_only() {
    let database = database().await;
    let pool = database.pool().await;
    let replica = Replica::start(&database.options());
    replica.stock("a", 100).await;
    replica.stock("b", 100).await;
    let kept = order(&[("a", 1)]);
    assert_eq!(replica.allocate(kept.clone()).await, done(false));

    let mut outside = pool.acquire().await.unwrap();
    let mut lock = outside.begin().await.unwrap();
    sqlx::query("select 1 from stock where sku = 'a' for update")
        .execute(&mut *lock)
        .await
        .unwrap();
    let item = order(&[("a", 1), ("b", 1)]);
    let others = async {
        for _ in 0..50 {
            let batch = vec![item.clone(), order(&[("b", 1)])];
            let answers = replica.allocations.submit_all(batch).await;
            assert_eq!(answers, [Ok(Answer::Contested), Ok(done(false))]);
        }
    };
    timeout(SOON, others).await.expect("others are not delayed");
    assert_eq!(
        replica.release(kept.order_id).await,
        ReleaseAnswer::Contested
    );
    assert_eq!(
        replica.change(adjust("a", "late", 1)).await,
        change::Answer::Contested
    );
    let idle = "select count(*) from pg_stat_activity
        where datname = current_database() and application_name like 'holdfast/%'
        and state like 'idle in transaction%'";
    assert_eq!(count(&pool, idle).await, 0);
    assert_eq!(units(&pool, "b").await, (100, 50));

    lock.rollback().await.unwrap();
    drop(outside);
    assert_eq!(
        replica.allocate(item).await,
        done(false),
        "it was not decided before"
    );
    let released = ReleaseAnswer::Done {
        end: End::Released(None),
        replayed: false,
    };
    assert_eq!(replica.release(kept.order_id).await, released);
    assert!(matches!(
        replica.change(adjust("a", "late", 1)).await,
        change::Answer::Level {
            replayed: false,
            ..
        }
    ));
    assert_eq!(units(&pool, "a").await, (101, 1));
    check_invariants(&pool).await;
}

#[tokio::test]
async fn a_short_wait_for_another_session_is_no_contention() {
    let database = database().await;
    let pool = database.pool().await;
    let replica = Replica::start(&database.options());
    replica.stock("a", 100).await;
    let mut lock = pool.begin().await.unwrap();
    sqlx::query("select 1 from stock where sku = 'a' for update")
        .execute(&mut *lock)
        .await
        .unwrap();
    let waits = "select count(*) from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'";
    let unlock = async {
        while count(&pool, waits).await == 0 {}
        lock.rollback().await.unwrap();
    };
    let (answer, ()) = tokio::join!(replica.allocate(order(&[("a", 1)])), unlock);
    assert_eq!(answer, done(false));
}
