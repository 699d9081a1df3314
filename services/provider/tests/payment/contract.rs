//! What the contract says of keys, refusals and deadlines.

use std::time::{Duration, Instant};

use holdfast_kit::id::PaymentId;
use holdfast_proto::payment::{
    AuthorizeRequest, GetOperationRequest, GetPaymentRequest, OperationMethod, OperationState,
    PaymentState,
};
use tonic::{Code, Request};

use crate::support::{Client, World, authorization, charge, eur, new_id, reason, reverse, state};

async fn operation_state(
    client: &mut Client,
    id: PaymentId,
    method: OperationMethod,
) -> OperationState {
    let request = GetOperationRequest {
        payment_id: id.to_string(),
        method: method.into(),
        request_id: String::new(),
    };
    let response = client.get_operation(request).await.unwrap().into_inner();
    OperationState::try_from(response.state).unwrap()
}

#[tokio::test]
async fn a_decline_is_repeated_and_another_attempt_needs_another_key() {
    let world = World::start().await;
    let (mut client, id) = (world.client(), new_id());
    for _ in 0..2 {
        let declined = client
            .authorize(charge(id, "tok_decline"))
            .await
            .unwrap_err();
        assert_eq!(declined.code(), Code::FailedPrecondition);
        assert_eq!(reason(&declined), "PAYMENT_DECLINED");
    }
    let again = AuthorizeRequest {
        request_id: Some("again".to_owned()),
        ..charge(id, "tok_ok")
    };
    for replayed in [false, true] {
        let response = client.authorize(again.clone()).await.unwrap().into_inner();
        assert_eq!(response.replayed, replayed);
        let payment = response.payment.unwrap();
        assert_eq!(state(&payment), PaymentState::Captured);
        assert_eq!(payment.payment_method, "tok_ok");
    }
    let third = AuthorizeRequest {
        request_id: Some("third".to_owned()),
        ..charge(id, "tok_ok")
    };
    let conflict = client.authorize(third).await.unwrap_err();
    assert_eq!(reason(&conflict), "PAYMENT_STATE_CONFLICT");
    world.check_money().await;
}

#[tokio::test]
async fn a_key_with_another_body_changes_nothing_and_names_the_fields() {
    let world = World::start().await;
    let (mut client, id) = (world.client(), new_id());
    client.authorize(charge(id, "tok_ok")).await.unwrap();
    let other = AuthorizeRequest {
        amount: eur(1),
        ..authorization(id, "tok_ok")
    };
    let refused = client.authorize(other).await.unwrap_err();
    assert_eq!(reason(&refused), "IDEMPOTENCY_KEY_REUSED");
    assert_eq!(refused.code(), Code::FailedPrecondition);
    world.check_money().await;
}

#[tokio::test]
async fn the_deadline_ends_the_wait_and_not_the_charge() {
    let world = World::start().await;
    let (mut client, id) = (world.client(), new_id());
    let mut request = Request::new(charge(id, "tok_slow_600"));
    request.set_timeout(Duration::from_millis(200));
    let began = Instant::now();
    let unknown = client.authorize(request).await.unwrap_err();
    assert!(began.elapsed() < Duration::from_millis(500));
    assert_eq!(unknown.code(), Code::Unavailable);
    assert_eq!(reason(&unknown), "PROVIDER_OUTCOME_UNKNOWN");
    assert_eq!(
        operation_state(&mut client, id, OperationMethod::Authorize).await,
        OperationState::InFlight
    );
    let answer = client
        .authorize(charge(id, "tok_slow_600"))
        .await
        .unwrap()
        .into_inner();
    assert!(answer.replayed);
    assert_eq!(state(&answer.payment.unwrap()), PaymentState::Captured);
    world.check_money().await;
}

#[tokio::test]
async fn an_id_older_than_tombstones_makes_no_payment_and_can_be_reversed() {
    let world = World::start().await;
    let mut client = world.client();
    let old: PaymentId = "018f0000-0000-7000-8000-000000000001".parse().unwrap();
    let barred = client.authorize(charge(old, "tok_ok")).await.unwrap_err();
    assert_eq!(reason(&barred), "KEY_TOO_OLD");
    let (payment, _) = reverse(&mut client, old).await;
    assert_eq!(state(&payment), PaymentState::Tombstoned);
    let request = GetPaymentRequest {
        payment_id: new_id().to_string(),
    };
    let missing = client.get_payment(request).await.unwrap_err();
    assert_eq!(reason(&missing), "PAYMENT_NOT_FOUND");
}

#[tokio::test]
async fn an_operation_is_never_seen_done_or_tombstoned() {
    let world = World::start().await;
    let (mut client, id) = (world.client(), new_id());
    let (authorize, capture) = (OperationMethod::Authorize, OperationMethod::Capture);
    assert_eq!(
        operation_state(&mut client, id, authorize).await,
        OperationState::NeverSeen
    );
    client.authorize(authorization(id, "tok_ok")).await.unwrap();
    assert_eq!(
        operation_state(&mut client, id, authorize).await,
        OperationState::Done
    );
    assert_eq!(
        operation_state(&mut client, id, capture).await,
        OperationState::NeverSeen
    );
    reverse(&mut client, id).await;
    assert_eq!(
        operation_state(&mut client, id, capture).await,
        OperationState::Tombstoned
    );
    let reversal = OperationMethod::Reverse;
    assert_eq!(
        operation_state(&mut client, id, reversal).await,
        OperationState::Done
    );
    let never = new_id();
    reverse(&mut client, never).await;
    assert_eq!(
        operation_state(&mut client, never, authorize).await,
        OperationState::Tombstoned
    );
    assert_eq!(
        operation_state(&mut client, never, reversal).await,
        OperationState::Done
    );
}
