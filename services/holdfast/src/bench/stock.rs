//! Puts the SKUs of a run and gives each more stock than it can sell.
//!
//! The rule: stock comes under the run's own key, so that every run has its own delivery.

use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use holdfast::client::{describe, seed_of, until_known};
use holdfast_kit::refusal::CallError;
use holdfast_proto::inventory::{
    AdjustStockRequest, MovementReason, PutSkuRequest,
    inventory_service_client::InventoryServiceClient,
};
use tonic::transport::Channel;

use super::workload::Workload;

/// What each SKU gets: more than a day of orders for it alone.
const UNITS: i64 = 1_000_000_000;
/// The key under which a SKU is put.
const PUT_KEY: &str = "bench";
/// SKUs on their way at once.
const IN_FLIGHT: usize = 256;
/// How long a call is made again and again.
const PATIENCE: Duration = Duration::from_secs(60);

/// Prepares every SKU.
///
/// # Errors
/// The first call that is refused or stays without an answer.
pub(super) async fn prepare(inventory: Channel, workload: &Workload) -> anyhow::Result<()> {
    let client = InventoryServiceClient::new(inventory);
    stream::iter(workload.skus())
        .map(|sku| {
            let client = client.clone();
            async move {
                put(client, sku, workload.run())
                    .await
                    .map_err(|error| anyhow::anyhow!("cannot stock {sku}: {}", describe(&error)))
            }
        })
        .buffer_unordered(IN_FLIGHT)
        .try_collect()
        .await
}

async fn put(
    client: InventoryServiceClient<Channel>,
    sku: &str,
    run: &str,
) -> Result<(), CallError> {
    let put = PutSkuRequest {
        sku: sku.to_owned(),
        title: sku.to_owned(),
        request_id: PUT_KEY.to_owned(),
        ..PutSkuRequest::default()
    };
    until_known(seed_of(sku), PATIENCE, || {
        let (mut client, put) = (client.clone(), put.clone());
        async move { client.put_sku(put).await }
    })
    .await?;
    let adjust = AdjustStockRequest {
        sku: sku.to_owned(),
        delta: UNITS,
        reason: MovementReason::Received.into(),
        request_id: run.to_owned(),
        ..AdjustStockRequest::default()
    };
    until_known(seed_of(sku), PATIENCE, || {
        let (mut client, adjust) = (client.clone(), adjust.clone());
        async move { client.adjust_stock(adjust).await }
    })
    .await?;
    Ok(())
}
