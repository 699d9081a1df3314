//! Keys, refusals and levels of the calls that change one thing.

use futures::future::join_all;

use super::replica::{
    Replica, adjust, at, check_invariants, count, database, done, order, put, units,
};
use crate::domain::adjust::Shortfall;
use crate::domain::change::{Answer, Body, Change, Refusal};

fn with_shortfall(mut change: Change) -> Change {
    if let Body::AdjustStock(adjustment) = &mut change.body {
        adjustment.shortfall = Shortfall::Record;
    }
    change
}

fn level(answer: &Answer) -> (i64, i64, i64, i64, bool) {
    match answer {
        Answer::Level {
            level, replayed, ..
        } => (
            level.on_hand,
            level.reserved,
            level.shortfall,
            level.version,
            *replayed,
        ),
        other => panic!("no level: {other:?}"),
    }
}

#[tokio::test]
async fn sixty_four_callers_with_one_key_change_once() {
    let database = database().await;
    let pool = database.pool().await;
    let replicas = [
        Replica::start(&database.options()),
        Replica::start(&database.options()),
    ];
    let puts =
        join_all((0..64).map(|caller| replicas[caller % 2].change(put("a", "p", "A")))).await;
    let first = |answer: &&Answer| {
        matches!(
            answer,
            Answer::Card {
                replayed: false,
                ..
            }
        )
    };
    assert_eq!(puts.iter().filter(first).count(), 1);
    let made =
        join_all((0..64).map(|caller| replicas[caller % 2].change(adjust("a", "r", 3)))).await;
    assert_eq!(
        made.iter()
            .filter(|answer| level(answer) == (3, 0, 0, 1, false))
            .count(),
        1
    );
    assert_eq!(
        made.iter()
            .filter(|answer| level(answer) == (3, 0, 0, 1, true))
            .count(),
        63
    );
    assert_eq!(count(&pool, "select count(*) from movements").await, 1);
    check_invariants(&pool).await;
}

#[tokio::test]
async fn many_keys_from_two_replicas_all_count() {
    let database = database().await;
    let pool = database.pool().await;
    let replicas = [
        Replica::start(&database.options()),
        Replica::start(&database.options()),
    ];
    replicas[0].change(put("a", "p", "A")).await;
    replicas[0].change(put("b", "p", "B")).await;
    let calls = (0..400).map(|number: usize| {
        let sku = if number.is_multiple_of(3) { "a" } else { "b" };
        let location_id = ["default", "x", "y"][number % 7 % 3];
        replicas[number % 2].change(at(sku, &format!("r{number}"), 2, location_id))
    });
    let answers = join_all(calls).await;
    assert!(answers.iter().all(|answer| !level(answer).4));
    assert_eq!(units(&pool, "a").await.0 + units(&pool, "b").await.0, 800);
    assert_eq!(
        count(&pool, "select sum(version)::bigint from stock").await,
        400
    );
    check_invariants(&pool).await;
}

#[tokio::test]
async fn a_replay_after_a_restart_shows_the_present_state() {
    let database = database().await;
    let pool = database.pool().await;
    let replica = Replica::start(&database.options());
    replica.change(put("a", "p", "A")).await;
    replica.change(put("a", "q", "B")).await;
    replica.change(adjust("a", "r", 3)).await;
    replica.change(adjust("a", "s", 4)).await;
    assert_eq!(replica.allocate(order(&[("a", 2)])).await, done(false));
    let next = Replica::start(&database.options());
    let card = next.change(put("a", "p", "A")).await;
    assert!(matches!(card, Answer::Card { card, replayed: true } if card.title == "B"));
    assert_eq!(
        level(&next.change(adjust("a", "r", 3)).await),
        (7, 2, 0, 3, true)
    );
    let reused = Answer::KeyReused(vec!["delta".to_owned()]);
    assert_eq!(next.change(adjust("a", "r", 4)).await, reused);
    assert_eq!(
        next.change(put("a", "p", "C")).await,
        Answer::KeyReused(vec!["title".to_owned()])
    );
    assert_eq!(units(&pool, "a").await, (7, 2));
    check_invariants(&pool).await;
}

#[tokio::test]
async fn below_reserved_is_refused_for_ever_and_a_shortfall_is_recorded_when_it_is_let_be() {
    let database = database().await;
    let pool = database.pool().await;
    let replica = Replica::start(&database.options());
    replica.stock("a", 10).await;
    let item = order(&[("a", 8)]);
    assert_eq!(replica.allocate(item.clone()).await, done(false));
    let below = Answer::Refused(Refusal::BelowReserved {
        on_hand: 10,
        reserved: 8,
    });
    assert_eq!(replica.change(adjust("a", "down", -3)).await, below);
    replica.change(adjust("a", "up", 100)).await;
    assert_eq!(
        replica.change(adjust("a", "down", -3)).await,
        below,
        "though there is enough now"
    );
    let far = with_shortfall(adjust("a", "far", -105));
    assert_eq!(level(&replica.change(far).await), (5, 8, 3, 4, false));
    check_invariants(&pool).await;
    let more = with_shortfall(adjust("a", "more", -6));
    let below_zero = Answer::Refused(Refusal::BelowReserved {
        on_hand: 5,
        reserved: 8,
    });
    assert_eq!(replica.change(more).await, below_zero);
    replica.release(item.order_id).await;
    assert_eq!(count(&pool, "select shortfall from stock").await, 0);
    check_invariants(&pool).await;
}

#[tokio::test]
async fn an_unknown_sku_refuses_its_adjustment_and_leaves_no_stock() {
    let database = database().await;
    let pool = database.pool().await;
    let replica = Replica::start(&database.options());
    let unknown = Answer::Refused(Refusal::UnknownSku);
    assert_eq!(replica.change(adjust("a", "r", 3)).await, unknown);
    replica.change(put("a", "p", "A")).await;
    assert_eq!(replica.change(adjust("a", "r", 3)).await, unknown);
    assert_eq!(
        level(&replica.change(adjust("a", "s", 3)).await),
        (3, 0, 0, 1, false)
    );
    let below = replica.change(at("a", "t", -1, "x")).await;
    assert_eq!(
        below,
        Answer::Refused(Refusal::BelowReserved {
            on_hand: 0,
            reserved: 0
        })
    );
    assert_eq!(
        count(&pool, "select count(*) from stock").await,
        1,
        "a refusal makes no location"
    );
    check_invariants(&pool).await;
}
