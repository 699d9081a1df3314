//! Cancel against finish: whoever wins, the order ends CANCELLED whole and nothing is kept.

use std::{fmt, time::Duration};

use anyhow::{Context as _, ensure};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use holdfast_postgres::Database;
use holdfast_proto::order::{CancelOrderRequest, ListOrdersRequest, Order, OrderState, OrderView};

use crate::{
    cluster::Cluster,
    orders::Orders,
    payments::moved,
    placement::{Placement, UNIT_PRICE, unique},
};

/// A cancel comes within so long after its placement was sent.
const SPREAD: Duration = Duration::from_millis(12);
/// A prime, so that the moments of a run differ and those of two runs do not.
const STRIDE: u32 = 7_919;

/// Which way orders came to be cancelled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cancelled {
    /// Before they came.
    pub entombed: usize,
    /// While they ran.
    pub turned: usize,
    /// By a saga of their own, after they were confirmed.
    pub after_confirmation: usize,
}

impl fmt::Display for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            entombed,
            turned,
            after_confirmation,
        } = self;
        write!(
            f,
            "{entombed} before they came, {turned} while they ran, {after_confirmation} after \
             they were confirmed"
        )
    }
}

/// Places `orders` orders from `callers` callers and cancels each by its key at some moment.
///
/// # Errors
/// Unless every order ends CANCELLED, as its history allows, without money and without stock.
pub async fn against_finish(
    cluster: &Cluster,
    orders: usize,
    callers: usize,
) -> anyhow::Result<Cancelled> {
    let (service, warehouse) = (cluster.orders()?, cluster.warehouse()?);
    let sku = warehouse.sku(i64::try_from(orders)?).await?;
    let customer = unique("fickle");
    let races = (0..orders).map(|number| {
        let placement = Placement::of(&customer).line(&sku, 1);
        race(service.clone(), placement, moment(number))
    });
    let ended: Vec<Order> = stream::iter(races)
        .buffer_unordered(callers)
        .try_collect()
        .await?;
    ensure!(ended.len() == orders, "{} of {orders} ended", ended.len());

    let kept = service
        .list_all(ListOrdersRequest {
            customer_id: customer,
            view: OrderView::Full.into(),
            ..ListOrdersRequest::default()
        })
        .await?;
    ensure!(kept.len() == orders, "{} of {orders} are kept", kept.len());
    let mut cancelled = Cancelled::default();
    let mut provider = cluster.database(Database::Provider).await?;
    for order in &kept {
        ensure!(
            order.state() == OrderState::Cancelled,
            "{} is {:?}",
            order.order_id,
            order.state()
        );
        let net = moved(&mut provider, &order.order_id).await?.net;
        ensure!(net == 0, "{} keeps {net}", order.order_id);
        let captured = order
            .captured_amount
            .as_ref()
            .map(|money| money.minor_units);
        let refunded = order.refunded_total.as_ref().map(|money| money.minor_units);
        let told = (order.version, captured, refunded);
        match told {
            (1, None, None) => cancelled.entombed += 1,
            (3, Some(0), Some(0)) => cancelled.turned += 1,
            (4, Some(UNIT_PRICE), Some(UNIT_PRICE)) => cancelled.after_confirmation += 1,
            other => anyhow::bail!("{} is a mix: {other:?}", order.order_id),
        }
    }
    let stock = warehouse.stock(&sku).await?;
    ensure!(stock.reserved == 0, "{} are reserved", stock.reserved);
    Ok(cancelled)
}

fn moment(number: usize) -> Duration {
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    SPREAD * (number.wrapping_mul(STRIDE) % 1_000) / 1_000
}

/// Places an order and cancels it after `pause`; both callers are told the same order.
async fn race(service: Orders, placement: Placement, pause: Duration) -> anyhow::Result<Order> {
    let request = placement.request();
    let cancel = CancelOrderRequest {
        customer_id: request.customer_id.clone(),
        placement_request_id: request.request_id.clone(),
        request_id: "cancel".to_owned(),
        ..CancelOrderRequest::default()
    };
    let (placed, cancelled) = tokio::join!(service.placed(request), async {
        tokio::time::sleep(pause).await;
        service.cancel(cancel).await
    });
    let placed = placed?;
    let cancelled = cancelled
        .context("the order was not cancelled")?
        .order
        .context("an answer without an order")?;
    ensure!(
        placed.order_id == cancelled.order_id,
        "{} and {}",
        placed.order_id,
        cancelled.order_id
    );
    ensure!(
        matches!(
            placed.state(),
            OrderState::Confirmed | OrderState::Cancelled
        ),
        "{} was answered {:?}",
        placed.order_id,
        placed.state()
    );
    Ok(cancelled)
}
