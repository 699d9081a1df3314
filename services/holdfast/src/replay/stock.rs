//! Puts the SKUs and gives them their stock.
//!
//! The rule: both calls carry keys of the file, so that doing it again adds nothing.

use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use holdfast::client::{describe, seed_of, until_known};
use holdfast_proto::inventory::{
    AdjustStockRequest, MovementReason, PutSkuRequest,
    inventory_service_client::InventoryServiceClient,
};
use indicatif::ProgressBar;
use tonic::{Request, transport::Channel};

use super::{
    STOCK_MAX,
    keys::FileKey,
    plan::{Plan, Sku},
};

/// How long one call may take before it is made again.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a call is made again and again.
const PATIENCE: Duration = Duration::from_secs(300);

/// Prepares every SKU of the plan and tells how many had not been given this stock before.
///
/// # Errors
/// The first call that is refused or stays without an answer.
///
/// # Cancellation
/// What was put stays; calling it again puts the rest.
pub(super) async fn prepare(
    inventory: Channel,
    plan: &Plan,
    stock: Option<i64>,
    in_flight: usize,
) -> anyhow::Result<usize> {
    let client = InventoryServiceClient::new(inventory);
    let bar = super::place::bar("SKUs", plan.skus.len());
    let fresh = stream::iter(&plan.skus)
        .map(|sku| {
            let (client, bar) = (client.clone(), &bar);
            async move { put(client, &plan.key, sku, stock.unwrap_or(sku.units), bar).await }
        })
        .buffer_unordered(in_flight)
        .try_fold(0, async |sum, fresh| Ok(sum + usize::from(fresh)))
        .await?;
    bar.finish_and_clear();
    Ok(fresh)
}

async fn put(
    mut client: InventoryServiceClient<Channel>,
    key: &FileKey,
    sku: &Sku,
    units: i64,
    bar: &ProgressBar,
) -> anyhow::Result<bool> {
    let put = PutSkuRequest {
        sku: sku.name.clone(),
        title: sku.title.clone(),
        request_id: key.put(),
        ..PutSkuRequest::default()
    };
    let seed = seed_of(&sku.name);
    let refused = |error| anyhow::anyhow!("cannot stock {}: {}", sku.name, describe(&error));
    let answer = until_known(seed, PATIENCE, || {
        let (mut client, request) = (client.clone(), timed(put.clone()));
        async move { client.put_sku(request).await }
    });
    let mut fresh = !answer.await.map_err(refused)?.replayed;
    for (delta, part) in deliveries(units).zip(1..) {
        let adjust = AdjustStockRequest {
            sku: sku.name.clone(),
            delta,
            reason: MovementReason::Received.into(),
            request_id: key.stock(units, part),
            ..AdjustStockRequest::default()
        };
        let answer = until_known(seed, PATIENCE, || {
            let request = timed(adjust.clone());
            let client = &mut client;
            let mut client = client.clone();
            async move { client.adjust_stock(request).await }
        });
        fresh = !answer.await.map_err(refused)?.replayed;
    }
    bar.inc(1);
    Ok(fresh)
}

fn timed<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(CALL_TIMEOUT);
    request
}

/// Splits units into what single calls may bring.
fn deliveries(units: i64) -> impl Iterator<Item = i64> {
    let whole = usize::try_from(units / STOCK_MAX).unwrap_or(0);
    let rest = Some(units % STOCK_MAX).filter(|rest| *rest > 0);
    std::iter::repeat_n(STOCK_MAX, whole).chain(rest)
}

#[cfg(test)]
mod tests {
    use super::{STOCK_MAX, deliveries};

    #[test]
    fn deliveries_sum_to_the_units_and_none_is_too_large() {
        for units in [0, 1, STOCK_MAX - 1, STOCK_MAX, STOCK_MAX + 1, 3 * STOCK_MAX] {
            let parts: Vec<_> = deliveries(units).collect();
            assert_eq!(parts.iter().sum::<i64>(), units);
            assert!(
                parts.iter().all(|part| (1..=STOCK_MAX).contains(part)),
                "{parts:?}"
            );
        }
    }
}
