//! One key, many callers: one operation and one answer in every hand, on one replica or two.

use holdfast_proto::payment::{PaymentState, RefundRequest, payment_result::Outcome};

use crate::support::{World, amounts, charge, charge_item, charged, eur, new_id, reverse, state};

const CALLERS: usize = 64;

async fn ledger_rows(world: &World) -> i64 {
    sqlx::query_scalar("select count(*) from ledger")
        .fetch_one(&world.ledger().await)
        .await
        .unwrap()
}

#[tokio::test]
async fn sixty_four_first_uses_of_one_key_are_one_charge() {
    let world = World::start().await;
    let (client, id) = (world.client(), new_id());
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let mut client = client.clone();
            tokio::spawn(async move { client.authorize(charge(id, "tok_lost_reply")).await })
        })
        .collect();
    let mut first_uses = 0;
    for caller in callers {
        let response = caller.await.unwrap().unwrap().into_inner();
        first_uses += usize::from(!response.replayed);
        assert_eq!(state(&response.payment.unwrap()), PaymentState::Captured);
    }
    assert_eq!(first_uses, 1);
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
    let refund = RefundRequest {
        payment_id: id.to_string(),
        request_id: "r1".to_owned(),
        amount: eur(60),
    };
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let (mut client, refund) = (client.clone(), refund.clone());
            tokio::spawn(async move { client.refund(refund).await })
        })
        .collect();
    let mut first_uses = 0;
    for caller in callers {
        let response = caller.await.unwrap().unwrap().into_inner();
        first_uses += usize::from(!response.replayed);
        assert_eq!(amounts(&response.payment.unwrap()), (100, 100, 60));
    }
    assert_eq!(first_uses, 1);
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
