//! Batches: a slow item delays itself alone, a bad one fails itself alone, and hundreds are undone
//! together.

use std::time::{Duration, Instant};

use holdfast_kit::id::PaymentId;
use holdfast_proto::{
    payment::{AuthorizeItem, BatchAuthorizeRequest, PaymentState, payment_result::Outcome},
    types::ErrorReason,
};

use crate::support::{
    World, authorize_batch, charge_item, charged, eur, is_reason, new_id, reason, reversed,
};

#[tokio::test]
async fn a_slow_item_does_not_delay_its_511_neighbours() {
    let world = World::start().await;
    let mut client = world.client();
    world.warm_up().await;
    let slow = 200;
    let mut items: Vec<AuthorizeItem> = (0..512)
        .map(|index| {
            charge_item(
                new_id(),
                if index == slow {
                    "tok_slow_60000"
                } else {
                    "tok_ok"
                },
            )
        })
        .collect();
    let began = Instant::now();
    let mut outcomes = authorize_batch(&mut client, items.clone()).await;
    let took = began.elapsed();
    let Outcome::Unknown(unknown) = outcomes.remove(slow) else {
        panic!("the slow one is known")
    };
    assert!(
        is_reason(unknown.reason, ErrorReason::InFlight),
        "{unknown:?}"
    );
    assert!(unknown.retry_delay.is_some());
    // Whoever has no answer yet is told so; nobody waits for the slow one.
    assert!(took < Duration::from_millis(500), "{took:?}");
    items.remove(slow);
    let later = charged(&client, &items).await;
    assert!(later.iter().all(is_done), "{later:?}");
}

#[tokio::test]
async fn a_malformed_item_fails_alone_and_leaves_no_row() {
    let world = World::start().await;
    world.warm_up().await;
    let client = world.client();
    let bad = AuthorizeItem {
        amount: eur(0),
        ..charge_item(new_id(), "tok_ok")
    };
    let card = charge_item(new_id(), "4242424242424242");
    let items = vec![charge_item(new_id(), "tok_ok"), bad, card];
    let outcomes = charged(&client, &items).await;
    assert!(matches!(outcomes[0], Outcome::Done(_)), "{outcomes:?}");
    let Outcome::Refusal(refusal) = &outcomes[1] else {
        panic!("{outcomes:?}")
    };
    assert_eq!(
        refusal.field_violations[0].field,
        "items[1].amount.minor_units"
    );
    let Outcome::Refusal(refusal) = &outcomes[2] else {
        panic!("{outcomes:?}")
    };
    assert!(
        is_reason(refusal.reason, ErrorReason::PanRefused),
        "{refusal:?}"
    );
    let rows: i64 = sqlx::query_scalar("select count(*) from payments")
        .fetch_one(&world.payments().await)
        .await
        .unwrap();
    assert_eq!(rows, 2, "the good one and the one before it");
    world.check_money().await;
}

#[tokio::test]
async fn a_batch_has_1_to_512_items() {
    let world = World::start().await;
    let mut client = world.client();
    for length in [0, 513] {
        let items = vec![charge_item(new_id(), "tok_ok"); length];
        let refused = client
            .batch_authorize(BatchAuthorizeRequest { items })
            .await
            .unwrap_err();
        assert_eq!(reason(&refused), "INVALID_FIELD");
    }
}

#[tokio::test]
async fn duplicates_in_one_batch_are_one_operation() {
    let world = World::start().await;
    world.warm_up().await;
    let (client, id) = (world.client(), new_id());
    let other = AuthorizeItem {
        amount: eur(99),
        ..charge_item(id, "tok_ok")
    };
    let items = vec![charge_item(id, "tok_ok"), other, charge_item(id, "tok_ok")];
    let outcomes = charged(&client, &items).await;
    let Outcome::Done(first) = &outcomes[0] else {
        panic!("{outcomes:?}")
    };
    let Outcome::Refusal(refusal) = &outcomes[1] else {
        panic!("{outcomes:?}")
    };
    assert!(is_reason(refusal.reason, ErrorReason::IdempotencyKeyReused));
    assert_eq!(
        refusal.field_violations[0].field,
        "items[1].amount.minor_units"
    );
    let Outcome::Done(third) = &outcomes[2] else {
        panic!("{outcomes:?}")
    };
    assert!(third.replayed);
    assert_eq!(first.state, third.state);
    world.check_money().await;
}

#[tokio::test]
async fn hundreds_of_charges_in_flight_are_reversed_together_each_once() {
    let world = World::start().await;
    let client = world.client();
    let ids: Vec<PaymentId> = (0..500).map(|_| new_id()).collect();
    let items = ids
        .iter()
        .map(|id| charge_item(*id, "tok_slow_400"))
        .collect();
    let outcomes = authorize_batch(&mut client.clone(), items).await;
    assert!(
        outcomes
            .iter()
            .all(|one| matches!(one, Outcome::Unknown(_)))
    );
    world.until_stored(500).await;
    for outcome in reversed(&client, &ids).await {
        let Outcome::Done(done) = outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!(done.state, i32::from(PaymentState::Refunded));
    }
    world.check_money().await;
    let refunds: i64 = sqlx::query_scalar("select count(*) from ledger where kind = 5")
        .fetch_one(&world.ledger().await)
        .await
        .unwrap();
    assert_eq!(refunds, 500);
}

fn is_done(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Done(_))
}
