//! The service as its callers see it: over gRPC, on a real Postgres. Here is what the tests share.

use std::net::{Ipv4Addr, SocketAddr};

use holdfast_kit::id::{OrderId, Shard};
use holdfast_kit::refusal::{CallError, Refusal};
use holdfast_postgres::testing::TestDatabase;
use holdfast_proto::inventory::allocation_result::Outcome;
use holdfast_proto::inventory::inventory_service_client::InventoryServiceClient;
use holdfast_proto::inventory::{
    AdjustStockRequest, AllocateItem, AllocationResult, BatchAllocateRequest, BatchReleaseRequest,
    MovementReason, PutSkuRequest, ReleaseItem, ReservationState,
};
use holdfast_proto::types::StockLine;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tonic::transport::Channel;

use crate::{Config, MIGRATOR, Running, start};

mod reads;
mod writes;

type Client = InventoryServiceClient<Channel>;

struct Service {
    running: Running,
    client: Client,
    shutdown: CancellationToken,
}

impl Service {
    async fn start(database: &TestDatabase) -> Self {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let database_url = database.url().to_owned();
        let config = Config {
            listen: any,
            side_listen: any,
            database_url,
        };
        let shutdown = CancellationToken::new();
        let running = start(config, shutdown.clone()).await.unwrap();
        let address = format!("http://{}", running.address);
        let client = InventoryServiceClient::connect(address).await.unwrap();
        Self {
            running,
            client,
            shutdown,
        }
    }

    async fn stop(self) {
        self.shutdown.cancel();
        self.running.stopped().await.unwrap();
    }
}

async fn database() -> TestDatabase {
    TestDatabase::create("inventory", &MIGRATOR).await
}

fn put(sku: &str, request_id: &str, title: &str) -> PutSkuRequest {
    PutSkuRequest {
        sku: sku.to_owned(),
        title: title.to_owned(),
        attributes: [("colour".to_owned(), "red".to_owned())].into(),
        request_id: request_id.to_owned(),
    }
}

fn adjust(sku: &str, request_id: &str, delta: i64) -> AdjustStockRequest {
    AdjustStockRequest {
        sku: sku.to_owned(),
        delta,
        reason: MovementReason::Received.into(),
        request_id: request_id.to_owned(),
        ..AdjustStockRequest::default()
    }
}

fn item(sku: &str, quantity: i64) -> AllocateItem {
    let order_id = OrderId::generate(Shard::of_customer("c")).to_wire_bytes();
    let line = StockLine {
        sku: sku.to_owned(),
        quantity,
        location_id: None,
    };
    AllocateItem {
        order_id,
        lines: vec![line],
    }
}

async fn allocate(client: &mut Client, items: Vec<AllocateItem>) -> Vec<Outcome> {
    let answer = client
        .batch_allocate(BatchAllocateRequest { items })
        .await
        .unwrap();
    outcomes(answer.into_inner().results)
}

async fn release(client: &mut Client, item: &AllocateItem) -> Outcome {
    let items = vec![ReleaseItem {
        order_id: item.order_id.clone(),
    }];
    let answer = client
        .batch_release(BatchReleaseRequest { items })
        .await
        .unwrap();
    outcomes(answer.into_inner().results).remove(0)
}

fn outcomes(results: Vec<AllocationResult>) -> Vec<Outcome> {
    results
        .into_iter()
        .map(|result| result.outcome.unwrap())
        .collect()
}

fn state(outcome: &Outcome) -> (ReservationState, bool) {
    match outcome {
        Outcome::Done(done) => (done.state(), done.replayed),
        other => panic!("not done: {other:?}"),
    }
}

fn refusal(outcome: &Outcome) -> Refusal {
    match outcome {
        Outcome::Refusal(refusal) => refusal.clone().try_into().unwrap(),
        other => panic!("not refused: {other:?}"),
    }
}

fn refused<T: std::fmt::Debug>(answer: Result<T, Status>) -> Refusal {
    match CallError::from(&answer.unwrap_err()) {
        CallError::Refused(refusal) => refusal,
        CallError::Unknown(unknown) => panic!("not definite: {unknown:?}"),
    }
}

fn fields(refusal: &Refusal) -> Vec<&str> {
    refusal
        .field_violations
        .iter()
        .map(|violation| violation.field.as_str())
        .collect()
}

async fn rows(database: &TestDatabase) -> i64 {
    sqlx::query_scalar(
        "select (select count(*) from skus) + (select count(*) from stock)
        + (select count(*) from movements) + (select count(*) from operations)
        + (select count(*) from allocations)",
    )
    .fetch_one(&database.pool().await)
    .await
    .unwrap()
}
