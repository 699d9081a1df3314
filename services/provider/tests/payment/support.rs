//! A payment service with its provider, on databases of its own, that can be killed and started
//! again.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use holdfast_kit::id::{PaymentId, Shard};
use holdfast_postgres::testing::TestDatabase;
use holdfast_proto::{
    payment::{
        AuthorizeItem, AuthorizeRequest, BatchAuthorizeRequest, BatchReverseRequest, Payment,
        PaymentResult, PaymentState, ReverseItem, ReverseRequest, payment_result::Outcome,
        payment_service_client::PaymentServiceClient,
    },
    types::{ErrorReason, Money},
};
use holdfast_provider::SimulatedProvider;
use sqlx::PgPool;
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;
use tonic::{Status, transport::Channel};

mod ledger;

pub(crate) use ledger::count;

pub(crate) type Client = PaymentServiceClient<Channel>;

/// How long a test waits for something that must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct World {
    payments: TestDatabase,
    provider: TestDatabase,
    process: Option<Process>,
}

/// What a kill takes away at once.
struct Process {
    runtime: Runtime,
    address: SocketAddr,
}

impl World {
    pub(crate) async fn start() -> Self {
        let (payments, provider) = tokio::join!(
            TestDatabase::create("payment", &holdfast_payment::MIGRATOR),
            TestDatabase::create("provider", &holdfast_provider::MIGRATOR),
        );
        let mut world = Self {
            payments,
            provider,
            process: None,
        };
        world.process = Some(world.launch().await);
        world
    }

    async fn launch(&self) -> Process {
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let any_port: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let config = holdfast_payment::Config {
            listen: any_port,
            side_listen: any_port,
            database_url: self.payments.url().to_owned(),
        };
        let provider = holdfast_provider::Config {
            database_url: self.provider.url().to_owned(),
        };
        let started = runtime.spawn(async move {
            let gateway = SimulatedProvider::start(provider).await.unwrap();
            holdfast_payment::start(config, Arc::new(gateway), CancellationToken::new())
                .await
                .unwrap()
        });
        let address = started.await.unwrap().address;
        Process { runtime, address }
    }

    /// Lets the process make its connections and plans, which a first call pays for.
    pub(crate) async fn warm_up(&self) {
        charged(&self.client(), &[charge_item(new_id(), "tok_ok")]).await;
    }

    /// Kills the process: its tasks, timers and connections are gone, as with kill -9.
    pub(crate) fn kill(&mut self) {
        if let Some(process) = self.process.take() {
            process.runtime.shutdown_background();
        }
    }

    pub(crate) async fn restart(&mut self) {
        self.kill();
        self.process = Some(self.launch().await);
    }

    /// Another replica over the same databases, which lives as long as it is held.
    pub(crate) async fn replica(&self) -> Replica {
        Replica(Some(self.launch().await))
    }

    pub(crate) fn client(&self) -> Client {
        client_of(self.process.as_ref().unwrap().address)
    }

    /// Waits until so many payments are stored. A batch that answers IN_FLIGHT may still be waiting
    /// to be; undone before that, it never happened.
    pub(crate) async fn until_stored(&self, payments: i64) {
        let pool = self.payments().await;
        eventually("the intents", async || {
            count(&pool, "select count(*) from payments").await == payments
        })
        .await;
    }

    pub(crate) async fn payments(&self) -> PgPool {
        self.payments.pool().await
    }

    pub(crate) async fn ledger(&self) -> PgPool {
        self.provider.pool().await
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.kill();
    }
}

pub(crate) struct Replica(Option<Process>);

impl Replica {
    pub(crate) fn client(&self) -> Client {
        client_of(self.0.as_ref().unwrap().address)
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        if let Some(process) = self.0.take() {
            process.runtime.shutdown_background();
        }
    }
}

fn client_of(address: SocketAddr) -> Client {
    let channel = holdfast_kit::grpc::channel(&address.to_string()).unwrap();
    PaymentServiceClient::new(channel).max_decoding_message_size(4 << 20)
}

pub(crate) fn new_id() -> PaymentId {
    PaymentId::generate(Shard::of_customer("c1"))
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of a message's field")]
pub(crate) fn eur(minor_units: i64) -> Option<Money> {
    Some(Money {
        currency_code: "EUR".to_owned(),
        minor_units,
    })
}

pub(crate) fn authorization(id: PaymentId, token: &str) -> AuthorizeRequest {
    AuthorizeRequest {
        payment_id: id.to_string(),
        request_id: None,
        amount: eur(100),
        payment_method: token.to_owned(),
        customer_id: "c1".to_owned(),
        auto_capture: false,
    }
}

pub(crate) fn charge(id: PaymentId, token: &str) -> AuthorizeRequest {
    AuthorizeRequest {
        auto_capture: true,
        ..authorization(id, token)
    }
}

pub(crate) fn charge_item(id: PaymentId, token: &str) -> AuthorizeItem {
    AuthorizeItem {
        payment_id: id.to_wire_bytes(),
        amount: eur(100),
        payment_method: token.to_owned(),
        customer_id: "c1".to_owned(),
        auto_capture: true,
        request_id: String::new(),
    }
}

pub(crate) async fn authorize_batch(
    client: &mut Client,
    items: Vec<AuthorizeItem>,
) -> Vec<Outcome> {
    let request = BatchAuthorizeRequest { items };
    outcomes(
        client
            .batch_authorize(request)
            .await
            .unwrap()
            .into_inner()
            .results,
    )
}

pub(crate) async fn reverse_batch(client: &mut Client, ids: &[PaymentId]) -> Vec<Outcome> {
    let items = ids
        .iter()
        .map(|id| ReverseItem {
            payment_id: id.to_wire_bytes(),
        })
        .collect();
    let request = BatchReverseRequest { items };
    outcomes(
        client
            .batch_reverse(request)
            .await
            .unwrap()
            .into_inner()
            .results,
    )
}

fn outcomes(results: Vec<PaymentResult>) -> Vec<Outcome> {
    results
        .into_iter()
        .map(|result| result.outcome.unwrap())
        .collect()
}

pub(crate) async fn reverse(client: &mut Client, id: PaymentId) -> (Payment, bool) {
    let request = ReverseRequest {
        payment_id: id.to_string(),
    };
    let response = client.reverse(request).await.unwrap().into_inner();
    (response.payment.unwrap(), response.replayed)
}

/// Charges as a saga does: asks again until every item has a definite answer.
pub(crate) async fn charged(client: &Client, items: &[AuthorizeItem]) -> Vec<Outcome> {
    until_definite(|| {
        let (mut client, items) = (client.clone(), items.to_vec());
        async move { authorize_batch(&mut client, items).await }
    })
    .await
}

/// Reverses as a saga does: asks again until every item has a definite answer.
pub(crate) async fn reversed(client: &Client, ids: &[PaymentId]) -> Vec<Outcome> {
    until_definite(|| {
        let (mut client, ids) = (client.clone(), ids.to_vec());
        async move { reverse_batch(&mut client, &ids).await }
    })
    .await
}

async fn until_definite<F, R>(ask: F) -> Vec<Outcome>
where
    F: Fn() -> R,
    R: Future<Output = Vec<Outcome>>,
{
    let give_up = Instant::now() + PATIENCE;
    let mut answers = ask().await;
    while let Some(delay) = answers.iter().filter_map(retry_delay).max() {
        assert!(Instant::now() < give_up, "still unknown: {answers:?}");
        tokio::time::sleep(delay).await;
        for (answer, later) in answers.iter_mut().zip(ask().await) {
            if retry_delay(answer).is_some() {
                *answer = later;
            }
        }
    }
    answers
}

/// How long an item without a definite answer asks its caller to wait.
fn retry_delay(outcome: &Outcome) -> Option<Duration> {
    let Outcome::Unknown(unknown) = outcome else {
        return None;
    };
    let delay = unknown.retry_delay.unwrap_or_default();
    Some(
        Duration::try_from(delay)
            .unwrap_or_default()
            .max(Duration::from_millis(1)),
    )
}

/// Waits for a condition, at most as long as a test's patience.
pub(crate) async fn eventually<F, R>(what: &str, mut condition: F)
where
    F: FnMut() -> R,
    R: Future<Output = bool>,
{
    let give_up = Instant::now() + PATIENCE;
    while !condition().await {
        assert!(Instant::now() < give_up, "{what} did not come");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The reason in a status, without its prefix.
pub(crate) fn reason(status: &Status) -> String {
    use tonic_types::StatusExt;
    status
        .get_details_error_info()
        .map(|info| info.reason)
        .unwrap_or_default()
}

pub(crate) fn is_reason(number: i32, reason: ErrorReason) -> bool {
    number == i32::from(reason)
}

pub(crate) fn state(payment: &Payment) -> PaymentState {
    PaymentState::try_from(payment.state).unwrap()
}

pub(crate) fn amounts(payment: &Payment) -> (i64, i64, i64) {
    let units = |money: &Option<Money>| money.as_ref().map_or(0, |money| money.minor_units);
    (
        units(&payment.authorized_amount),
        units(&payment.captured_amount),
        units(&payment.refunded_amount),
    )
}
