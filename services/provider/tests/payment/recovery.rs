//! A process that is killed in the middle: whoever asks again gets the operation's one answer, and
//! what nobody asks for again is driven on by itself.

use holdfast_proto::payment::{PaymentState, payment_result::Outcome};

use crate::support::{
    World, amounts, authorize_batch, charge, charge_item, charged, count, eventually, new_id,
    reverse, state,
};

#[tokio::test]
async fn a_charge_in_mid_flight_has_one_answer_after_a_restart() {
    let mut world = World::start().await;
    let id = new_id();
    for token in ["tok_slow_300", "tok_timeout_then_ok"] {
        let id = if token == "tok_slow_300" {
            id
        } else {
            new_id()
        };
        let running = authorize_batch(&mut world.client(), vec![charge_item(id, token)])
            .await
            .remove(0);
        assert!(
            matches!(running, Outcome::Unknown(_)),
            "{token}: {running:?}"
        );
        world.restart().await;
        let answer = charged(&world.client(), &[charge_item(id, token)])
            .await
            .remove(0);
        let Outcome::Done(done) = answer else {
            panic!("{token}: {answer:?}")
        };
        assert_eq!(
            (done.captured_minor_units, done.replayed),
            (100, true),
            "{token}"
        );
    }
    world.check_money().await;
}

#[tokio::test]
async fn a_reversal_in_mid_flight_pays_back_once_after_a_restart() {
    let mut world = World::start().await;
    let id = new_id();
    let mut client = world.client();
    client
        .authorize(charge(id, "tok_refund_error_4_then_ok"))
        .await
        .unwrap();
    let reversing = tokio::spawn(async move {
        let request = holdfast_proto::payment::ReverseRequest {
            payment_id: id.to_string(),
        };
        client.reverse(request).await
    });
    let payments = world.payments().await;
    eventually("the refund's intent", || async {
        let intent = "select count(*) from operations where method = 4 and attempts > 0";
        sqlx::query_scalar::<_, i64>(intent)
            .fetch_one(&payments)
            .await
            .unwrap()
            == 1
    })
    .await;
    world.restart().await;
    assert!(
        reversing.await.unwrap().is_err(),
        "the process was killed under it"
    );
    let (payment, replayed) = reverse(&mut world.client(), id).await;
    assert!(replayed);
    assert_eq!(
        (state(&payment), amounts(&payment)),
        (PaymentState::Refunded, (100, 100, 100))
    );
    world.check_money().await;
}

#[tokio::test]
async fn what_nobody_asks_for_again_is_driven_on_after_a_restart() {
    let mut world = World::start().await;
    let id = new_id();
    let items = vec![charge_item(id, "tok_slow_2000")];
    let running = authorize_batch(&mut world.client(), items).await.remove(0);
    assert!(matches!(running, Outcome::Unknown(_)), "{running:?}");
    let payments = world.payments().await;
    eventually("the intent", || async {
        count(&payments, "select count(*) from payments").await == 1
    })
    .await;
    world.kill();
    // Waiting out the grace for left-behind intents would take a quarter of a minute.
    for aged in [
        "update payments set create_time = create_time - interval '1 minute'",
        "update recovery set adopted_until = adopted_until - interval '2 minutes'",
    ] {
        sqlx::query(aged).execute(&payments).await.unwrap();
    }
    world.restart().await;
    eventually("the charge", || async {
        count(&payments, "select count(*) from payments where state = 2").await == 1
    })
    .await;
    world.check_money().await;
}

#[tokio::test]
async fn a_postgres_that_loses_every_connection_loses_no_charge() {
    let world = World::start().await;
    let client = world.client();
    let ids: Vec<_> = (0..200).map(|_| new_id()).collect();
    let charging: Vec<_> = ids
        .iter()
        .map(|id| {
            let (client, id) = (client.clone(), *id);
            tokio::spawn(async move { charged(&client, &[charge_item(id, "tok_ok")]).await })
        })
        .collect();
    let payments = world.payments().await;
    let captured = "select count(*) from payments where state = 2";
    let cut = "select pg_terminate_backend(pid) from pg_stat_activity \
               where datname = current_database() and application_name like 'holdfast/payment_%'";
    for progress in [1, 60, 120] {
        eventually("progress", || async {
            count(&payments, captured).await >= progress
        })
        .await;
        sqlx::query(cut).execute(&payments).await.unwrap();
    }
    for charge in charging {
        let outcome = charge.await.unwrap().remove(0);
        assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
    }
    world.check_money().await;
}
