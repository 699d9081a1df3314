//! Many callers, few units: exactly what is there is sold.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use futures::{StreamExt as _, stream};
use holdfast_postgres::Database;
use holdfast_proto::{
    order::{Order, OrderState},
    types::ErrorReason,
};
use sqlx::Row as _;

use crate::{
    cluster::Cluster,
    orders::Orders,
    placement::{Placement, unique},
};

/// How long all orders of a scenario may take together.
const WITHIN: Duration = Duration::from_secs(120);
/// Connections that the callers share.
const CONNECTIONS: usize = 8;

/// How orders ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// CONFIRMED.
    pub confirmed: usize,
    /// REJECTED as OUT_OF_STOCK.
    pub out_of_stock: usize,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ended {
            confirmed,
            out_of_stock,
        } = self;
        write!(f, "{confirmed} confirmed, {out_of_stock} out of stock")
    }
}

/// Places `orders` single-unit orders at once for a SKU with `units`.
///
/// # Errors
/// Unless exactly `units` are CONFIRMED, nothing is available and nothing pending.
pub async fn one_sku(cluster: &Cluster, orders: usize, units: usize) -> anyhow::Result<Ended> {
    let warehouse = cluster.warehouse()?;
    let sku = warehouse.sku(i64::try_from(units)?).await?;
    let customer = unique("crowd");
    let requests = (0..orders).map(|_| Placement::of(&customer).line(&sku, 1));
    let placed = place_all(cluster, requests.collect(), orders).await?;

    for order in &placed {
        if let Some(rejection) = &order.rejection {
            let short = rejection
                .shortages
                .first()
                .context("a refusal without a shortage")?;
            let as_decided = (short.sku == sku, short.requested, short.available);
            ensure!(as_decided == (true, 1, 0), "{}: {short:?}", order.order_id);
        }
    }
    let ended = ended(&placed)?;
    ensure!(
        ended.confirmed == units.min(orders),
        "{ended} of {units} units"
    );
    let stock = warehouse.stock(&sku).await?;
    ensure!(
        stock.available == 0 || orders < units,
        "{} are available",
        stock.available
    );
    ensure!(
        stock.reserved == i64::try_from(ended.confirmed)?,
        "{} are reserved",
        stock.reserved
    );
    none_pending(cluster, &customer, orders).await?;
    Ok(ended)
}

/// Places `orders` orders of two SKUs, every other one in the opposite order of lines, from
/// `callers` callers; there is less of one SKU than they ask for.
///
/// # Errors
/// If an order fails, is allocated in part, or Postgres had to break a deadlock.
pub async fn crossed(cluster: &Cluster, orders: usize, callers: usize) -> anyhow::Result<Ended> {
    let before = deadlocks(cluster).await?;
    let warehouse = cluster.warehouse()?;
    let units = orders / 2;
    let plenty = warehouse.sku(i64::try_from(orders)?).await?;
    let scarce = warehouse.sku(i64::try_from(units)?).await?;
    let customer = unique("crossed");
    let request = |number: usize| {
        let order = Placement::of(&customer);
        match number % 2 {
            0 => order.line(&plenty, 1).line(&scarce, 1),
            _ => order.line(&scarce, 1).line(&plenty, 1),
        }
    };
    let placed = place_all(cluster, (0..orders).map(request).collect(), callers).await?;

    let ended = ended(&placed)?;
    ensure!(ended.confirmed == units, "{ended} of {units} units");
    for sku in [&plenty, &scarce] {
        let stock = warehouse.stock(sku).await?;
        let reserved = usize::try_from(stock.reserved)?;
        ensure!(
            reserved == units,
            "{reserved} of {sku} are reserved for {units} orders"
        );
    }
    none_pending(cluster, &customer, orders).await?;
    let broken = deadlocks(cluster).await? - before;
    ensure!(broken == 0, "postgres broke {broken} deadlocks");
    Ok(ended)
}

/// Places all of them, so many at once, and gives them as they were answered.
async fn place_all(
    cluster: &Cluster,
    requests: Vec<Placement>,
    callers: usize,
) -> anyhow::Result<Vec<Order>> {
    let give_up = Instant::now() + WITHIN;
    let connections = (0..CONNECTIONS)
        .map(|_| cluster.orders())
        .collect::<anyhow::Result<_>>()?;
    let connections: Arc<Vec<Orders>> = Arc::new(connections);
    let placed = requests.into_iter().enumerate().map(|(number, request)| {
        let connections = Arc::clone(&connections);
        tokio::spawn(async move {
            let orders = &connections[number % CONNECTIONS];
            orders
                .place_until_known(&request.request(), give_up, |_| {})
                .await
        })
    });
    let answers: Vec<_> = stream::iter(placed)
        .buffer_unordered(callers)
        .collect()
        .await;
    let order = |answer: Result<Result<_, tonic::Status>, _>| {
        let answer: holdfast_proto::order::PlaceOrderResponse =
            answer.context("a caller panicked")??;
        answer.order.context("an answer without an order")
    };
    answers.into_iter().map(order).collect()
}

fn ended(orders: &[Order]) -> anyhow::Result<Ended> {
    let mut ended = Ended::default();
    for order in orders {
        let reason = order.rejection.as_ref().map(|rejection| rejection.reason());
        match (order.state(), reason) {
            (OrderState::Confirmed, None) => ended.confirmed += 1,
            (OrderState::Rejected, Some(ErrorReason::OutOfStock)) => ended.out_of_stock += 1,
            (state, reason) => anyhow::bail!("{} is {state:?}, {reason:?}", order.order_id),
        }
    }
    Ok(ended)
}

async fn none_pending(cluster: &Cluster, customer: &str, orders: usize) -> anyhow::Result<()> {
    let found = cluster.orders()?.of_customer(customer).await?;
    ensure!(
        found.len() == orders,
        "{} orders of {orders} are there",
        found.len()
    );
    let pending = found
        .iter()
        .filter(|order| order.state() == OrderState::Pending)
        .count();
    ensure!(pending == 0, "{pending} orders are pending");
    Ok(())
}

/// How many deadlocks Postgres has broken in the inventory database.
async fn deadlocks(cluster: &Cluster) -> anyhow::Result<i64> {
    let mut inventory = cluster.database(Database::Inventory).await?;
    let row = sqlx::query(
        "-- tests: deadlocks
        select d.deadlocks
        from pg_stat_database d
        where d.datname = current_database()",
    )
    .fetch_one(&mut inventory)
    .await?;
    Ok(row.get("deadlocks"))
}
