//! The runner, and how sagas on it end.

#![expect(clippy::unwrap_used, reason = "a panic is the report of a test")]

mod shop;

use std::{sync::Arc, time::Duration};

use saga_runtime::{
    Log, RunnerId, RunnerSettings, Trouble,
    testkit::{MemoryLog, eventually},
};

use shop::{LONG, Purchase, Script, Shop, id};

#[tokio::test]
async fn a_happy_saga_ends_well_with_what_its_steps_gave() {
    let shop = Shop::open();
    let id = id();
    shop.buy(id, LONG);
    assert_eq!(shop.end_of(id).await, None);
    let row = shop.log.row(id).unwrap();
    assert!(row.ended && !row.turned);
    assert_eq!(row.saga.seats, Some(7));
}

#[tokio::test]
async fn sagas_that_come_together_share_batches() {
    let shop = Shop::open();
    let ids: Vec<_> = (0..300).map(|_| id()).collect();
    for id in &ids {
        shop.buy(*id, LONG);
    }
    for id in &ids {
        assert_eq!(shop.end_of(*id).await, None);
    }
    let largest = *shop.seats.largest_batch.lock().unwrap();
    assert!(largest > 10, "the largest batch had {largest}");
    assert_eq!(shop.runner.room(), RunnerSettings::default().window_max);
}

#[tokio::test]
async fn a_refused_second_step_undoes_the_first_alone() {
    let shop = Shop::open();
    let id = id();
    shop.till.plan(id, &[Script::Refuse]);
    shop.buy(id, LONG);
    assert_eq!(shop.end_of(id).await, Some("sold out"));
    assert_eq!(shop.seats.saw(id), ["seat", "undo seat"]);
    assert_eq!(shop.till.saw(id), ["charge"]);
}

#[tokio::test]
async fn an_unknown_answer_is_asked_again_and_leaves_a_trouble() {
    let shop = Shop::open();
    let id = id();
    shop.till.plan(id, &[Script::Unknown; 4]);
    shop.buy(id, LONG);
    assert_eq!(shop.end_of(id).await, None);
    assert_eq!(shop.till.saw(id).len(), 5);
    let trouble = eventually("the trouble", || {
        shop.log.row(id).and_then(|row| row.trouble)
    })
    .await;
    assert_eq!((trouble.step, trouble.undo), ("charge", false));
}

#[tokio::test]
async fn a_saga_whose_time_is_up_undoes_what_may_have_happened() {
    let shop = Shop::open();
    let id = id();
    shop.till.plan(id, &[Script::Unknown; 500]);
    shop.buy(id, Duration::from_millis(150));
    assert_eq!(shop.end_of(id).await, Some("timed out"));
    assert_eq!(shop.till.saw(id).last(), Some(&"undo charge"));
    assert_eq!(shop.seats.saw(id), ["seat", "undo seat"]);
}

#[tokio::test]
async fn lost_answers_of_the_log_change_nothing() {
    let shop = Shop::open();
    let (happy, refused) = (id(), id());
    shop.till.plan(refused, &[Script::Refuse]);
    shop.log.lose_answers(1);
    shop.buy(refused, LONG);
    assert_eq!(shop.end_of(refused).await, Some("sold out"));
    shop.log.lose_answers(1);
    shop.buy(happy, LONG);
    eventually("that it is left", || {
        shop.ends
            .left
            .lock()
            .unwrap()
            .contains(&happy)
            .then_some(())
    })
    .await;
    let row = shop.log.row(happy).unwrap();
    assert!(
        row.ended && row.refusal.is_none(),
        "the finish had been written"
    );
}

#[tokio::test]
async fn a_barred_saga_follows_its_row() {
    let shop = Shop::open();
    let id = id();
    shop.till.plan(id, &[Script::Bar]);
    let purchase = Purchase { id, seats: None };
    let adopted = shop.log.start(purchase, Some(shop.runner.id()), LONG);
    shop.log
        .turn_from_outside(id, RunnerId::generate(), "cancelled");
    shop.runner.adopt(vec![adopted]);
    eventually("that it is left", || {
        shop.ends.left.lock().unwrap().contains(&id).then_some(())
    })
    .await;
    assert_eq!(
        shop.seats.saw(id),
        ["seat"],
        "it undoes nothing that is another's"
    );
}

#[tokio::test]
async fn a_silent_runners_sagas_are_taken_over_and_its_late_writes_refused() {
    let log = Arc::new(MemoryLog::default());
    let silent = Shop::open_on(Arc::clone(&log));
    let id = id();
    // It can neither decide nor beat from here on.
    silent.till.plan(id, &[Script::Unknown; 500]);
    silent.buy(id, LONG);
    eventually("its first step", || {
        (!silent.till.saw(id).is_empty()).then_some(())
    })
    .await;
    log.silence(silent.runner.id());
    let peer = Shop::open_on(Arc::clone(&log));
    assert_eq!(peer.end_of(id).await, None);
    let row = log.row(id).unwrap();
    assert_eq!((row.ended, row.runner), (true, Some(peer.runner.id())));
    assert!(row.epoch > 1);
}

#[tokio::test]
async fn a_stopping_runner_gives_its_sagas_up_at_once() {
    let log = Arc::new(MemoryLog::default());
    let stopping = Shop::open_on(Arc::clone(&log));
    let id = id();
    stopping.till.plan(id, &[Script::Unknown; 500]);
    stopping.buy(id, LONG);
    eventually("its first step", || {
        (!stopping.till.saw(id).is_empty()).then_some(())
    })
    .await;
    stopping.runner.stop().await;
    assert_eq!(log.row(id).unwrap().runner, None);
    let peer = Shop::open_on(Arc::clone(&log));
    assert_eq!(peer.end_of(id).await, None);
}

#[tokio::test]
async fn a_saga_that_belongs_to_nobody_is_taken_up() {
    let shop = Shop::open();
    let id = id();
    shop.log.start(Purchase { id, seats: None }, None, LONG);
    assert_eq!(shop.end_of(id).await, None);
    assert_eq!(shop.log.row(id).unwrap().epoch, 2);
}

#[tokio::test]
async fn attempts_of_the_runner_before_are_counted_on() {
    let log: Arc<MemoryLog<Purchase>> = Arc::default();
    let id = id();
    log.start(Purchase { id, seats: None }, None, LONG);
    let trouble = Trouble {
        id,
        epoch: 1,
        step: "charge",
        undo: false,
        attempts: 7,
        error: "no answer".to_owned(),
        next_in: None,
        halt: None,
    };
    log.trouble(&[trouble]).await.unwrap();
    let shop = Shop::open_with(Arc::clone(&log), |till| till.plan(id, &[Script::Unknown]));
    assert_eq!(shop.end_of(id).await, None);
    let attempts = eventually("the next attempt is written about", || {
        let trouble = log.row(id)?.trouble?;
        (trouble.attempts != 7).then_some(trouble.attempts)
    })
    .await;
    assert_eq!(attempts, 8);
}

#[tokio::test]
async fn sagas_of_a_claim_whose_answer_was_lost_are_carried() {
    let log: Arc<MemoryLog<Purchase>> = Arc::default();
    let id = id();
    log.start(Purchase { id, seats: None }, None, LONG);
    log.lose_claims(1);
    let shop = Shop::open_on(Arc::clone(&log));
    assert_eq!(shop.end_of(id).await, None);
    assert_eq!(log.row(id).unwrap().epoch, 2, "it was claimed once");
}

#[tokio::test]
async fn a_saga_that_its_own_process_turns_from_outside_goes_on_under_the_later_epoch() {
    let shop = Shop::open();
    let id = id();
    shop.till.plan(id, &[Script::Unknown; 500]);
    shop.buy(id, LONG);
    eventually("its second step", || {
        (!shop.till.saw(id).is_empty()).then_some(())
    })
    .await;
    let runner = shop.runner.id();
    shop.log.turn_from_outside(id, runner, "cancelled");
    let taken = shop.log.carried(runner, 10).await.unwrap();
    shop.runner.taken_over(taken);
    assert_eq!(shop.end_of(id).await, Some("cancelled"));
    assert_eq!(shop.till.saw(id).last(), Some(&"undo charge"));
    assert_eq!(shop.seats.saw(id).last(), Some(&"undo seat"));
    assert_eq!(shop.runner.room(), RunnerSettings::default().window_max);
}
