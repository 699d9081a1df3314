//! One key, many callers: one operation and one answer in every hand, on one replica or two.

use std::time::{Duration, Instant};

use holdfast_kit::refusal::CallError;
use holdfast_proto::payment::{
    CaptureRequest, Payment, PaymentDone, PaymentState, RefundRequest, ReverseRequest, VoidRequest,
    payment_result::Outcome,
};
use tonic::Status;

use crate::support::{
    Client, PATIENCE, World, amounts, authorization, charge, charge_item, charged, eur, new_id,
    reverse, reversed, state,
};

const CALLERS: usize = 64;

/// Between two calls of one caller whose answer is not known.
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(25);

async fn ledger_rows(world: &World) -> i64 {
    sqlx::query_scalar("select count(*) from ledger")
        .fetch_one(&world.ledger().await)
        .await
        .unwrap()
}

/// A call of one method, as one of many callers makes it.
macro_rules! call {
    ($method:ident, $request:expr) => {
        move |mut client: Client| {
            let request = $request;
            async move {
                let answer = client.$method(request).await?.into_inner();
                Ok((answer.payment.unwrap(), answer.replayed))
            }
        }
    };
}

/// Makes one call by as many callers at once, shared out over the clients; whoever is told that the
/// answer is not known asks again. Checks that one caller at the most was first and that all were
/// told the same, and gives that.
async fn at_once<F, R>(clients: &[Client], call: F) -> Payment
where
    F: Fn(Client) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Result<(Payment, bool), Status>> + Send,
{
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let (client, call) = (clients[caller % clients.len()].clone(), call.clone());
            tokio::spawn(async move { until_known(|| call(client.clone())).await })
        })
        .collect();
    let (mut payments, mut first_uses, mut unknown) = (Vec::new(), 0, 0);
    for caller in callers {
        let (payment, replayed, asked_again) = caller.await.unwrap();
        payments.push(payment);
        first_uses += usize::from(!replayed);
        unknown += asked_again;
    }
    // The first one may be among those that were told to ask again.
    assert!(first_uses == 1 || (first_uses == 0 && unknown > 0));
    let one = payments.swap_remove(0);
    for other in &payments {
        assert_eq!(other, &one, "several answers");
    }
    one
}

/// Asks until the answer is known; gives it, and how often it was not.
async fn until_known<R>(ask: impl Fn() -> R) -> (Payment, bool, usize)
where
    R: Future<Output = Result<(Payment, bool), Status>>,
{
    let give_up = Instant::now() + PATIENCE;
    let mut unknown = 0;
    loop {
        let status = match ask().await {
            Ok((payment, replayed)) => return (payment, replayed, unknown),
            Err(status) => status,
        };
        let again = matches!(CallError::from(&status), CallError::Unknown(_));
        assert!(again && Instant::now() < give_up, "{status:?}");
        unknown += 1;
        tokio::time::sleep(ASK_AGAIN_AFTER).await;
    }
}

#[tokio::test]
async fn sixty_four_first_uses_of_one_key_are_one_charge() {
    let world = World::start().await;
    let id = new_id();
    let call = call!(authorize, charge(id, "tok_lost_reply"));
    let payment = at_once(&[world.client()], call).await;
    assert_eq!(state(&payment), PaymentState::Captured);
    assert_eq!(ledger_rows(&world).await, 1);
    world.check_money().await;
}

#[tokio::test]
async fn sixty_four_refunds_under_one_key_are_one_refund() {
    let world = World::start().await;
    let (mut client, id) = (world.client(), new_id());
    client
        .authorize(charge(id, "tok_refund_error_1_then_ok"))
        .await
        .unwrap();
    let refund = move || RefundRequest {
        payment_id: id.to_string(),
        request_id: "r1".to_owned(),
        amount: eur(60),
    };
    let payment = at_once(&[client], call!(refund, refund())).await;
    assert_eq!(amounts(&payment), (100, 100, 60));
    assert_eq!(ledger_rows(&world).await, 2);
    world.check_money().await;
}

#[tokio::test]
async fn sixty_four_captures_under_one_key_at_two_replicas_are_one_capture() {
    let world = World::start().await;
    let replica = world.replica().await;
    let (mut client, id) = (world.client(), new_id());
    client.authorize(authorization(id, "tok_ok")).await.unwrap();
    let capture = move || CaptureRequest {
        payment_id: id.to_string(),
        request_id: "c1".to_owned(),
        amount: eur(60),
    };
    let payment = at_once(&[client, replica.client()], call!(capture, capture())).await;
    assert_eq!(state(&payment), PaymentState::Captured);
    assert_eq!(amounts(&payment), (100, 60, 0));
    assert_eq!(payment.operations.len(), 2);
    assert_eq!(ledger_rows(&world).await, 2);
    world.check_money().await;
}

#[tokio::test]
async fn sixty_four_voids_of_one_payment_at_two_replicas_are_one_void() {
    let world = World::start().await;
    let replica = world.replica().await;
    let (mut client, id) = (world.client(), new_id());
    client.authorize(authorization(id, "tok_ok")).await.unwrap();
    let void = move || VoidRequest {
        payment_id: id.to_string(),
    };
    let payment = at_once(&[client, replica.client()], call!(void, void())).await;
    assert_eq!(state(&payment), PaymentState::Voided);
    assert_eq!(amounts(&payment), (100, 0, 0));
    assert_eq!(payment.operations.len(), 2);
    assert_eq!(ledger_rows(&world).await, 2);
    world.check_money().await;
}

#[tokio::test]
async fn sixty_four_reversals_of_one_payment_at_two_replicas_undo_it_once() {
    let world = World::start().await;
    let replica = world.replica().await;
    let mut client = world.client();
    let (taken, held, unseen) = (new_id(), new_id(), new_id());
    for request in [
        charge(taken, "tok_refund_error_1_then_ok"),
        authorization(held, "tok_ok"),
    ] {
        client.authorize(request).await.unwrap();
    }
    let clients = [client, replica.client()];
    for (id, end, sums) in [
        (taken, PaymentState::Refunded, (100, 100, 100)),
        (held, PaymentState::Voided, (100, 0, 0)),
        (unseen, PaymentState::Tombstoned, (0, 0, 0)),
    ] {
        let reversal = move || ReverseRequest {
            payment_id: id.to_string(),
        };
        let payment = at_once(&clients, call!(reverse, reversal())).await;
        assert_eq!((state(&payment), amounts(&payment)), (end, sums));
    }
    // The charge and its refund, the authorization and its void.
    assert_eq!(ledger_rows(&world).await, 4);
    world.check_money().await;
}

fn done(outcome: &Outcome) -> &PaymentDone {
    match outcome {
        Outcome::Done(done) => done,
        other => panic!("not done: {other:?}"),
    }
}

#[tokio::test]
async fn sixty_four_batches_with_one_payment_at_two_replicas_charge_and_reverse_it_once() {
    let world = World::start().await;
    let replica = world.replica().await;
    let (clients, id) = ([world.client(), replica.client()], new_id());
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let client = clients[caller % clients.len()].clone();
            tokio::spawn(async move { charged(&client, &[charge_item(id, "tok_ok")]).await })
        })
        .collect();
    for caller in callers {
        assert_eq!(done(&caller.await.unwrap()[0]).captured_minor_units, 100);
    }
    assert_eq!(ledger_rows(&world).await, 1);
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let client = clients[caller % clients.len()].clone();
            tokio::spawn(async move { reversed(&client, &[id]).await })
        })
        .collect();
    for caller in callers {
        assert_eq!(done(&caller.await.unwrap()[0]).refunded_minor_units, 100);
    }
    assert_eq!(ledger_rows(&world).await, 2);
    world.check_money().await;
}

#[tokio::test]
async fn two_replicas_asked_for_one_key_make_one_charge_and_one_refund() {
    let world = World::start().await;
    let replica = world.replica().await;
    for _ in 0..20 {
        let id = new_id();
        let (here, there) = (world.client(), replica.client());
        let items = [charge_item(id, "tok_slow_30")];
        let (here, there) = tokio::join!(charged(&here, &items), charged(&there, &items));
        assert!(matches!(here[0], Outcome::Done(_)), "{here:?}");
        assert!(matches!(there[0], Outcome::Done(_)), "{there:?}");
        let (mut here, mut there) = (world.client(), replica.client());
        let (here, there) = tokio::join!(reverse(&mut here, id), reverse(&mut there, id));
        assert_eq!(amounts(&here.0), (100, 100, 100));
        assert_eq!(amounts(&there.0), (100, 100, 100));
    }
    assert_eq!(ledger_rows(&world).await, 40);
    world.check_money().await;
}
