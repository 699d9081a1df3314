//! Many orders at once: nothing is oversold, and nobody is refused what is there.

use futures::future::join_all;

use super::replica::{Replica, check_invariants, count, database, done, order, units};
use crate::domain::allocation::Allocation;
use crate::domain::record::{Answer, Refusal};

#[tokio::test]
async fn sixty_four_callers_with_one_order_get_one_decision() {
    let database = database().await;
    let pool = database.pool().await;
    let replicas = [
        Replica::start(&database.options()),
        Replica::start(&database.options()),
    ];
    replicas[0].stock("a", 100).await;
    let item = order(&[("a", 3)]);
    let calls = (0..64).map(|caller| replicas[caller % 2].allocate(item.clone()));
    let answers = join_all(calls).await;
    assert_eq!(
        answers
            .iter()
            .filter(|answer| **answer == done(false))
            .count(),
        1
    );
    assert_eq!(
        answers
            .iter()
            .filter(|answer| **answer == done(true))
            .count(),
        63
    );
    assert_eq!(units(&pool, "a").await, (100, 3));
    check_invariants(&pool).await;
}

#[tokio::test]
async fn of_two_bodies_under_one_order_at_once_one_wins_everywhere() {
    let database = database().await;
    let pool = database.pool().await;
    let replicas = [
        Replica::start(&database.options()),
        Replica::start(&database.options()),
    ];
    replicas[0].stock("a", 1_000).await;
    for _ in 0..20 {
        let one = order(&[("a", 1)]);
        let two = Allocation {
            lines: order(&[("a", 2)]).lines,
            ..one.clone()
        };
        let calls = (0..8).map(|caller: usize| {
            let item = if caller.is_multiple_of(2) {
                one.clone()
            } else {
                two.clone()
            };
            replicas[caller / 4].allocate(item)
        });
        let answers = join_all(calls).await;
        let reused = |answer: &Answer| matches!(answer, Answer::KeyReused(_));
        assert_eq!(
            answers.iter().filter(|answer| reused(answer)).count(),
            4,
            "{answers:?}"
        );
        assert_eq!(
            answers
                .iter()
                .filter(|answer| **answer == done(false))
                .count(),
            1
        );
    }
    check_invariants(&pool).await;
}

#[tokio::test]
async fn of_5000_orders_for_500_units_exactly_500_are_served() {
    let database = database().await;
    let pool = database.pool().await;
    let replica = Replica::start(&database.options());
    replica.stock("a", 500).await;
    let answers = join_all((0..5_000).map(|_| replica.allocate(order(&[("a", 1)])))).await;
    let served = answers
        .iter()
        .filter(|answer| **answer == done(false))
        .count();
    let short = |answer: &&Answer| matches!(answer, Answer::Refused(Refusal::OutOfStock { .. }));
    assert_eq!((served, answers.iter().filter(short).count()), (500, 4_500));
    assert_eq!(units(&pool, "a").await, (500, 500));
    assert_eq!(
        count(&pool, "select count(*) from allocations where state = 6").await,
        500
    );
    check_invariants(&pool).await;
}

#[tokio::test]
async fn an_order_of_a_thousand_lines_is_allocated_whole() {
    let database = database().await;
    let pool = database.pool().await;
    let replica = Replica::start(&database.options());
    let skus: Vec<String> = (0..600).map(|number| format!("sku {number}")).collect();
    join_all(skus.iter().map(|sku| replica.stock(sku, 2))).await;
    let line = |number: usize| (skus[number % 600].as_str(), 1);
    let item = order(&(0..1_000).map(line).collect::<Vec<_>>());
    assert_eq!(replica.allocate(item.clone()).await, done(false));
    assert_eq!(replica.allocate(item).await, done(true));
    assert_eq!(
        count(&pool, "select sum(reserved)::bigint from stock").await,
        1_000
    );
    check_invariants(&pool).await;
}

#[tokio::test]
async fn crossed_orders_from_two_replicas_neither_deadlock_nor_half_allocate() {
    let database = database().await;
    let pool = database.pool().await;
    let replicas = [
        Replica::start(&database.options()),
        Replica::start(&database.options()),
    ];
    replicas[0].stock("a", 3_000).await;
    replicas[0].stock("b", 3_000).await;
    let callers = (0..64).map(async |caller: usize| {
        let replica = &replicas[caller % 2];
        let mut served = 0;
        for number in 0..50 {
            let lines = if (caller / 2 + number).is_multiple_of(2) {
                [("a", 1), ("b", 1)]
            } else {
                [("b", 1), ("a", 1)]
            };
            let item = order(&lines);
            let id = item.order_id;
            if replica.allocate(item).await == done(false) {
                served += 1;
                if number % 5 == 0 {
                    replica.release(id).await;
                    served -= 1;
                }
            }
        }
        served
    });
    let served: i64 = join_all(callers).await.into_iter().sum();
    assert_eq!(units(&pool, "a").await, (3_000, served));
    assert_eq!(units(&pool, "b").await, (3_000, served));
    let deadlocks = "select deadlocks from pg_stat_database where datname = current_database()";
    assert_eq!(count(&pool, deadlocks).await, 0);
    check_invariants(&pool).await;
}

#[tokio::test]
async fn the_database_itself_refuses_an_oversell() {
    let database = database().await;
    let pool = database.pool().await;
    let replica = Replica::start(&database.options());
    replica.stock("a", 1).await;
    let refused = sqlx::query("update stock set reserved = 2")
        .execute(&pool)
        .await
        .unwrap_err();
    let constraint = refused
        .as_database_error()
        .and_then(|error| error.constraint());
    assert_eq!(constraint, Some("stock_reserved_in_bounds"));
}
