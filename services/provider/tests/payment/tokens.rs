//! Each token of the simulated provider through an authorization and its reversal.

use std::time::{Duration, Instant};

use holdfast_proto::{
    payment::{CaptureRequest, PaymentState, payment_result::Outcome},
    types::ErrorReason,
};

use crate::support::{
    World, amounts, authorization, charge, charge_item, charged, eur, is_reason, new_id, reason,
    reverse, reversed, state,
};

/// Charges with a token as a saga does, then reverses, and gives what came of both.
async fn charge_and_reverse(world: &World, token: &str) -> (Outcome, Outcome) {
    let id = new_id();
    let client = world.client();
    let charged = charged(&client, &[charge_item(id, token)]).await.remove(0);
    let reversed = reversed(&client, &[id]).await.remove(0);
    world.check_money().await;
    (charged, reversed)
}

#[tokio::test]
async fn tokens_that_succeed_take_the_money_once_and_give_it_back_once() {
    let world = World::start().await;
    for token in [
        "tok_ok",
        "tok_slow_60",
        "tok_timeout_then_ok",
        "tok_lost_reply",
        "tok_error_3_then_ok",
        "tok_refund_error_3_then_ok",
    ] {
        let (charged, reversed) = charge_and_reverse(&world, token).await;
        let Outcome::Done(charged) = charged else {
            panic!("{token}: {charged:?}")
        };
        assert_eq!(charged.captured_minor_units, 100, "{token}");
        assert_eq!(charged.state, i32::from(PaymentState::Captured), "{token}");
        let Outcome::Done(reversed) = reversed else {
            panic!("{token}: {reversed:?}")
        };
        assert_eq!(reversed.refunded_minor_units, 100, "{token}");
        assert_eq!(reversed.state, i32::from(PaymentState::Refunded), "{token}");
    }
}

#[tokio::test]
async fn tokens_that_decline_say_why_and_move_nothing() {
    let world = World::start().await;
    let declined = ErrorReason::PaymentDeclined;
    for (token, expected, code) in [
        ("tok_decline", declined, "card_declined"),
        ("tok_insufficient_funds", declined, "insufficient_funds"),
        (
            "tok_requires_action",
            ErrorReason::AuthenticationRequired,
            "authentication_required",
        ),
        ("tok_timeout_then_never", declined, "not_processed"),
        ("tok_capture_decline", declined, "capture_declined"),
        ("pm_card_visa", declined, "invalid_payment_method"),
    ] {
        let (charged, reversed) = charge_and_reverse(&world, token).await;
        let Outcome::Refusal(refusal) = charged else {
            panic!("{token}: {charged:?}")
        };
        assert!(is_reason(refusal.reason, expected), "{token}: {refusal:?}");
        assert_eq!(refusal.provider_code, code, "{token}");
        let Outcome::Done(reversed) = reversed else {
            panic!("{token}: {reversed:?}")
        };
        assert_eq!(reversed.state, i32::from(PaymentState::Declined), "{token}");
        assert_eq!(
            (reversed.refunded_minor_units, reversed.voided_minor_units),
            (0, 0)
        );
    }
}

#[tokio::test]
async fn an_authorization_is_voided_by_its_reversal() {
    let world = World::start().await;
    let (mut client, id) = (world.client(), new_id());
    let authorized = client
        .authorize(authorization(id, "tok_ok"))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        state(&authorized.payment.unwrap()),
        PaymentState::Authorized
    );
    let (payment, replayed) = reverse(&mut client, id).await;
    assert_eq!((state(&payment), replayed), (PaymentState::Voided, false));
    assert_eq!(amounts(&payment), (100, 0, 0));
    world.check_money().await;
}

#[tokio::test]
async fn a_capture_declined_for_good_leaves_the_authorization() {
    let world = World::start().await;
    let (mut client, id) = (world.client(), new_id());
    client
        .authorize(authorization(id, "tok_capture_decline"))
        .await
        .unwrap();
    let capture = CaptureRequest {
        payment_id: id.to_string(),
        request_id: "s1".to_owned(),
        amount: eur(100),
    };
    for _ in 0..2 {
        let refused = client.capture(capture.clone()).await.unwrap_err();
        assert_eq!(reason(&refused), "CAPTURE_DECLINED");
    }
    let (payment, _) = reverse(&mut client, id).await;
    assert_eq!(state(&payment), PaymentState::Voided);
    world.check_money().await;
}

#[tokio::test]
async fn a_single_form_waits_for_a_slow_provider() {
    let world = World::start().await;
    let (mut client, began) = (world.client(), Instant::now());
    let charged = client
        .authorize(charge(new_id(), "tok_slow_300"))
        .await
        .unwrap()
        .into_inner();
    assert!(began.elapsed() >= Duration::from_millis(300));
    assert_eq!(state(&charged.payment.unwrap()), PaymentState::Captured);
    world.check_money().await;
}
