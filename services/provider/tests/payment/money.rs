//! Reversals that race with what they undo, refunds that do not fit together, and partial captures.

use holdfast_proto::{
    payment::{CaptureRequest, PaymentState, RefundRequest, VoidRequest, payment_result::Outcome},
    types::ErrorReason,
};

use crate::support::{
    World, amounts, authorization, authorize_batch, charge, charge_item, charged, eur, is_reason,
    new_id, reason, reverse, reversed, state,
};

#[tokio::test]
async fn a_reversal_of_a_charge_in_flight_gives_the_money_back_exactly_once() {
    let world = World::start().await;
    let (mut client, id) = (world.client(), new_id());
    let charging = authorize_batch(&mut client, vec![charge_item(id, "tok_slow_300")]).await;
    assert!(matches!(charging[0], Outcome::Unknown(_)), "{charging:?}");
    world.until_stored(1).await;
    let reversals = (0..8).map(|_| {
        let mut client = client.clone();
        tokio::spawn(async move { reverse(&mut client, id).await.0 })
    });
    for reversal in reversals.collect::<Vec<_>>() {
        let payment = reversal.await.unwrap();
        assert_eq!(state(&payment), PaymentState::Refunded);
        assert_eq!(amounts(&payment), (100, 100, 100));
    }
    let late = charged(&client, &[charge_item(id, "tok_slow_300")]).await;
    let Outcome::Barred(barred) = &late[0] else {
        panic!("{late:?}")
    };
    assert!(is_reason(barred.reason, ErrorReason::PaymentReversed));
    world.check_money().await;
}

#[tokio::test]
async fn whoever_waits_for_a_charge_that_is_reversed_is_barred() {
    let world = World::start().await;
    let (mut client, id) = (world.client(), new_id());
    let mut other = client.clone();
    let waiting = tokio::spawn(async move { other.authorize(charge(id, "tok_slow_300")).await });
    world.until_stored(1).await;
    reverse(&mut client, id).await;
    let barred = waiting.await.unwrap().unwrap_err();
    assert_eq!(reason(&barred), "PAYMENT_REVERSED");
    world.check_money().await;
}

#[tokio::test]
async fn a_late_authorization_after_the_reversal_of_nothing_is_barred() {
    let world = World::start().await;
    let (mut client, id) = (world.client(), new_id());
    let (payment, replayed) = reverse(&mut client, id).await;
    assert_eq!(
        (state(&payment), replayed),
        (PaymentState::Tombstoned, false)
    );
    let (_, replayed) = reverse(&mut client, id).await;
    assert!(replayed);
    let late = charged(&client, &[charge_item(id, "tok_ok")]).await;
    let Outcome::Barred(barred) = &late[0] else {
        panic!("{late:?}")
    };
    assert!(is_reason(barred.reason, ErrorReason::PaymentTombstoned));
    let late = client.authorize(charge(id, "tok_ok")).await.unwrap_err();
    assert_eq!(reason(&late), "PAYMENT_TOMBSTONED");
    let again = reversed(&client, &[id, id]).await;
    assert!(
        again
            .iter()
            .all(|one| matches!(one, Outcome::Done(done) if done.replayed))
    );
    world.check_money().await;
}

#[tokio::test]
async fn of_two_refunds_of_60_out_of_100_exactly_one_pays() {
    let world = World::start().await;
    let mut client = world.client();
    for round in 0..10 {
        let id = new_id();
        client.authorize(charge(id, "tok_ok")).await.unwrap();
        let refund = |key: &str| RefundRequest {
            payment_id: id.to_string(),
            request_id: key.to_owned(),
            amount: eur(60),
        };
        let (mut one, mut other) = (client.clone(), client.clone());
        let (one, other) = tokio::join!(one.refund(refund("a")), other.refund(refund("b")));
        let refused: Vec<_> = [one.err(), other.err()].into_iter().flatten().collect();
        assert_eq!(refused.len(), 1, "round {round}");
        assert_eq!(reason(&refused[0]), "REFUND_EXCEEDS_CAPTURED");
        let rest = RefundRequest {
            amount: None,
            ..refund("rest")
        };
        let payment = client
            .refund(rest)
            .await
            .unwrap()
            .into_inner()
            .payment
            .unwrap();
        assert_eq!(amounts(&payment), (100, 100, 100));
    }
    world.check_money().await;
}

#[tokio::test]
async fn captures_in_parts_voids_the_rest_and_refunds_what_was_taken() {
    let world = World::start().await;
    let (mut client, id) = (world.client(), new_id());
    client.authorize(authorization(id, "tok_ok")).await.unwrap();
    let capture = |key: &str, amount| CaptureRequest {
        payment_id: id.to_string(),
        request_id: key.to_owned(),
        amount: eur(amount),
    };
    client.capture(capture("s1", 30)).await.unwrap();
    let replay = client
        .capture(capture("s1", 30))
        .await
        .unwrap()
        .into_inner();
    assert!(replay.replayed);
    let reused = client.capture(capture("s1", 31)).await.unwrap_err();
    assert_eq!(reason(&reused), "IDEMPOTENCY_KEY_REUSED");
    client.capture(capture("s2", 40)).await.unwrap();
    let beyond = client.capture(capture("s3", 31)).await.unwrap_err();
    assert_eq!(reason(&beyond), "CAPTURE_EXCEEDS_AUTHORIZED");
    let void = VoidRequest {
        payment_id: id.to_string(),
    };
    client.void(void.clone()).await.unwrap();
    let voided = client.void(void).await.unwrap().into_inner();
    assert!(voided.replayed);
    assert_eq!(state(&voided.payment.unwrap()), PaymentState::Captured);
    let (payment, _) = reverse(&mut client, id).await;
    assert_eq!(amounts(&payment), (100, 70, 70));
    world.check_money().await;
}

#[tokio::test]
async fn a_capture_waits_for_the_authorization_in_flight() {
    let world = World::start().await;
    let (mut client, id) = (world.client(), new_id());
    let mut other = client.clone();
    let authorizing =
        tokio::spawn(async move { other.authorize(authorization(id, "tok_slow_200")).await });
    crate::support::eventually("the intent", || async {
        let stored = "select count(*) from payments";
        sqlx::query_scalar::<_, i64>(stored)
            .fetch_one(&world.payments().await)
            .await
            .unwrap()
            == 1
    })
    .await;
    let capture = CaptureRequest {
        payment_id: id.to_string(),
        request_id: "s1".to_owned(),
        amount: None,
    };
    let captured = client
        .capture(capture)
        .await
        .unwrap()
        .into_inner()
        .payment
        .unwrap();
    assert_eq!(amounts(&captured), (100, 100, 0));
    authorizing.await.unwrap().unwrap();
    world.check_money().await;
}
