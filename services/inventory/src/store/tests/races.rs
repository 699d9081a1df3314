//! Allocation against release of the same order, from two replicas: one of them is last, and the
//! books agree with whichever it was.

use futures::future::join_all;

use super::replica::{Replica, check_invariants, count, database, done, order, units};
use crate::domain::record::{Answer, Barring};
use crate::domain::release::{Answer as ReleaseAnswer, End};

#[tokio::test]
async fn a_release_that_races_an_allocation_leaves_nothing_kept() {
    let database = database().await;
    let pool = database.pool().await;
    let replicas = [
        Replica::start(&database.options()),
        Replica::start(&database.options()),
    ];
    replicas[0].stock("a", 10).await;
    for _ in 0..200 {
        let item = order(&[("a", 7)]);
        let (allocated, released) = tokio::join!(
            replicas[0].allocate(item.clone()),
            replicas[1].release(item.order_id)
        );
        match (&allocated, &released) {
            (
                Answer::Done {
                    replayed: false, ..
                },
                ReleaseAnswer::Done {
                    end: End::Released(None),
                    replayed: false,
                },
            )
            | (
                Answer::Barred(Barring::Tombstoned),
                ReleaseAnswer::Done {
                    end: End::NeverKept,
                    replayed: false,
                },
            ) => {}
            other => panic!("{other:?}"),
        }
        assert_eq!(units(&pool, "a").await, (10, 0));
        let late = replicas[0].allocate(item).await;
        assert!(matches!(late, Answer::Barred(_)), "{late:?}");
    }
    check_invariants(&pool).await;
}

#[tokio::test]
async fn two_replicas_release_once() {
    let database = database().await;
    let pool = database.pool().await;
    let replicas = [
        Replica::start(&database.options()),
        Replica::start(&database.options()),
    ];
    replicas[0].stock("a", 10).await;
    for _ in 0..100 {
        let item = order(&[("a", 7)]);
        assert_eq!(replicas[0].allocate(item.clone()).await, done(false));
        let id = item.order_id;
        let answers = tokio::join!(replicas[0].release(id), replicas[1].release(id));
        let fresh = ReleaseAnswer::Done {
            end: End::Released(None),
            replayed: false,
        };
        let firsts = [answers.0, answers.1]
            .iter()
            .filter(|answer| **answer == fresh)
            .count();
        assert_eq!(firsts, 1);
    }
    assert_eq!(units(&pool, "a").await, (10, 0));
    assert_eq!(
        count(&pool, "select count(*) from allocations where state = 3").await,
        100
    );
    check_invariants(&pool).await;
}

#[tokio::test]
async fn sixty_four_callers_that_release_one_order_release_it_once() {
    let database = database().await;
    let pool = database.pool().await;
    let replicas = [
        Replica::start(&database.options()),
        Replica::start(&database.options()),
    ];
    replicas[0].stock("a", 10).await;
    // One that keeps units, and one that nobody has seen.
    let (kept, unseen) = (order(&[("a", 7)]), order(&[("a", 7)]));
    assert_eq!(replicas[0].allocate(kept.clone()).await, done(false));
    for (id, end) in [
        (kept.order_id, End::Released(None)),
        (unseen.order_id, End::NeverKept),
    ] {
        let answers = join_all((0..64).map(|caller| replicas[caller % 2].release(id))).await;
        let given = |replayed| {
            let answer = ReleaseAnswer::Done {
                end: end.clone(),
                replayed,
            };
            answers.iter().filter(|given| **given == answer).count()
        };
        assert_eq!((given(false), given(true)), (1, 63), "{answers:?}");
        assert_eq!(units(&pool, "a").await, (10, 0));
    }
    for state in [
        "select count(*) from allocations where state = 3",
        "select count(*) from allocations where state = 5",
    ] {
        assert_eq!(count(&pool, state).await, 1, "{state}");
    }
    check_invariants(&pool).await;
}
