//! What a repeat is answered with: the same, by the same process or the next one.

use super::replica::{Replica, check_invariants, count, database, done, order, order_id, units};
use super::replica::{adjust, at};
use crate::domain::allocation::{Allocation, TOMBSTONES_KEPT};
use crate::domain::line::{Line, Placement};
use crate::domain::names::{LocationId, Sku};
use crate::domain::record::{Answer, Barring, Refusal, Shortage};
use crate::domain::release::{Answer as ReleaseAnswer, End};
use holdfast_kit::id::OrderId;

#[tokio::test]
async fn an_allocation_is_repeated_after_a_restart() {
    let database = database().await;
    let pool = database.pool().await;
    let replica = Replica::start(&database.options());
    replica.stock("a", 5).await;
    let item = order(&[("a", 2), ("a", 1)]);
    assert_eq!(replica.allocate(item.clone()).await, done(false));
    assert_eq!(replica.allocate(item.clone()).await, done(true));
    let next = Replica::start(&database.options());
    assert_eq!(next.allocate(item.clone()).await, done(true));
    let other = Allocation {
        lines: order(&[("a", 2), ("a", 2)]).lines,
        ..item
    };
    let reused = Answer::KeyReused(vec!["lines[1].quantity".to_owned()]);
    assert_eq!(next.allocate(other).await, reused);
    assert_eq!(units(&pool, "a").await, (5, 3));
    check_invariants(&pool).await;
}

#[tokio::test]
async fn a_refusal_is_recorded_with_what_was_there_and_repeated_though_stock_has_come() {
    let database = database().await;
    let pool = database.pool().await;
    let replica = Replica::start(&database.options());
    replica.stock("a", 2).await;
    let item = order(&[("a", 3)]);
    let shortage = Shortage {
        sku: Sku::new("a"),
        location_id: None,
        requested: 3,
        available: 2,
        version: 1,
    };
    let short = Answer::Refused(Refusal::OutOfStock {
        shortages: vec![shortage],
    });
    assert_eq!(replica.allocate(item.clone()).await, short);
    replica.change(adjust("a", "more", 10)).await;
    assert_eq!(replica.allocate(item.clone()).await, short);
    let undone = ReleaseAnswer::Done {
        end: End::NeverKept,
        replayed: true,
    };
    assert_eq!(replica.release(item.order_id).await, undone);
    assert_eq!(
        replica.allocate(item).await,
        short,
        "a refusal stays one when it is undone"
    );
    assert_eq!(units(&pool, "a").await, (12, 0));
    check_invariants(&pool).await;
}

#[tokio::test]
async fn an_unknown_sku_is_told_from_one_without_stock() {
    let database = database().await;
    let pool = database.pool().await;
    let replica = Replica::start(&database.options());
    replica.stock("a", 5).await;
    replica
        .change(super::replica::put("bare", "p", "no stock yet"))
        .await;
    let items = vec![
        order(&[("a", 1), ("nobody", 1)]),
        order(&[("bare", 1)]),
        order(&[("a", 5)]),
    ];
    let answers = replica.allocations.submit_all(items.clone()).await;
    let unknown = Answer::Refused(Refusal::UnknownSku {
        skus: vec![Sku::new("nobody")],
    });
    assert_eq!(answers[0], Ok(unknown.clone()));
    assert!(matches!(
        &answers[1],
        Ok(Answer::Refused(Refusal::OutOfStock { shortages })) if shortages[0].version == 0
    ));
    assert_eq!(answers[2], Ok(done(false)));
    assert_eq!(replica.allocate(items[0].clone()).await, unknown);
    check_invariants(&pool).await;
}

#[tokio::test]
async fn what_was_released_stays_released() {
    let database = database().await;
    let pool = database.pool().await;
    let replica = Replica::start(&database.options());
    replica.stock("a", 5).await;
    let item = order(&[("a", 3)]);
    let id = item.order_id;
    replica.allocate(item.clone()).await;
    let released = |replayed| ReleaseAnswer::Done {
        end: End::Released(None),
        replayed,
    };
    let answers = replica.releases.submit_all(vec![id, id]).await;
    assert_eq!(answers, [Ok(released(false)), Ok(released(true))]);
    assert_eq!(replica.release(id).await, released(true));
    let next = Replica::start(&database.options());
    assert_eq!(next.release(id).await, released(true));
    assert_eq!(next.allocate(item).await, Answer::Barred(Barring::Released));
    assert_eq!(units(&pool, "a").await, (5, 0));
    check_invariants(&pool).await;
}

#[tokio::test]
async fn an_order_released_before_it_came_is_barred() {
    let database = database().await;
    let pool = database.pool().await;
    let replica = Replica::start(&database.options());
    replica.stock("a", 5).await;
    let item = order(&[("a", 3)]);
    let entombed = |replayed| ReleaseAnswer::Done {
        end: End::NeverKept,
        replayed,
    };
    assert_eq!(replica.release(item.order_id).await, entombed(false));
    assert_eq!(replica.release(item.order_id).await, entombed(true));
    let answers = replica
        .allocations
        .submit_all(vec![item.clone(), order(&[("a", 5)])])
        .await;
    assert_eq!(
        answers,
        [Ok(Answer::Barred(Barring::Tombstoned)), Ok(done(false))]
    );
    assert_eq!(
        count(&pool, "select count(*) from allocations where state = 5").await,
        1
    );
    check_invariants(&pool).await;
}

#[tokio::test]
async fn an_order_older_than_tombstones_is_barred_unless_it_is_recorded() {
    let database = database().await;
    let pool = database.pool().await;
    let replica = Replica::start(&database.options());
    replica.stock("a", 5).await;
    let age = TOMBSTONES_KEPT + chrono::TimeDelta::minutes(1);
    let then = (chrono::Utc::now() - age).timestamp_millis().unsigned_abs();
    let old = |last: u128| {
        let bits = (u128::from(then) << 80) | (7 << 76) | (2 << 62) | last;
        Allocation {
            order_id: OrderId::from_uuid(uuid::Uuid::from_u128(bits)),
            lines: order(&[("a", 1)]).lines,
        }
    };
    sqlx::query(
        "insert into allocations (order_id, state, lines, create_time)
        values ($1, 6, '[{\"sku\": \"a\", \"quantity\": 1}]', now())",
    )
    .bind(old(1).order_id.as_uuid())
    .execute(&pool)
    .await
    .unwrap();
    sqlx::query("update stock set reserved = 1")
        .execute(&pool)
        .await
        .unwrap();
    let items = vec![old(1), old(2), order(&[("a", 4)])];
    let answers = replica.allocations.submit_all(items).await;
    let too_old = Answer::Barred(Barring::KeyTooOld);
    assert_eq!(answers, [Ok(done(true)), Ok(too_old), Ok(done(false))]);
    check_invariants(&pool).await;
}

#[tokio::test]
async fn units_are_taken_where_most_is_and_come_back_there() {
    let database = database().await;
    let pool = database.pool().await;
    let replica = Replica::start(&database.options());
    replica.stock("a", 2).await;
    replica.change(at("a", "x", 5, "x")).await;
    let mut item = order(&[("a", 6)]);
    let named = Line {
        sku: Sku::new("a"),
        quantity: 1,
        location_id: Some(LocationId::default()),
    };
    item.lines.push(named);
    let place = |location_id: &str, quantity| Placement {
        sku: Sku::new("a"),
        location_id: LocationId::new(location_id),
        quantity,
    };
    let placed = Some(vec![place("default", 2), place("x", 5)]);
    let answer = |replayed| Answer::Done {
        placed: placed.clone(),
        replayed,
    };
    assert_eq!(replica.allocate(item.clone()).await, answer(false));
    assert_eq!(replica.allocate(item.clone()).await, answer(true));
    assert_eq!(units(&pool, "a").await, (7, 7));
    check_invariants(&pool).await;
    let released = ReleaseAnswer::Done {
        end: End::Released(placed.clone()),
        replayed: false,
    };
    assert_eq!(replica.release(item.order_id).await, released);
    assert_eq!(units(&pool, "a").await, (7, 0));
    check_invariants(&pool).await;
    let unseen = order_id();
    assert_eq!(
        replica.release(unseen).await,
        ReleaseAnswer::Done {
            end: End::NeverKept,
            replayed: false
        }
    );
}
