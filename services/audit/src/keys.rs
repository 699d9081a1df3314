//! K1: one (customer, request_id) has one order, in the shard of its customer, and one reservation.
//! It is asked at rest.
//!
//! A payment has its order's id, so that an order cannot have two. One without an order is left
//! alone: payments can be made without the order service. A reservation cannot.

use std::collections::HashSet;

use uuid::Uuid;

use crate::database::{Database, Databases, failed};
use crate::finding::{Row, Source};
use crate::money::shard_of;
use crate::predicate::PredicateId::K1;
use crate::sweep::{self, Sweep};
use crate::tally::{Fault, Tally};

/// Reservations that are read at once.
const PAGE_MAX: i64 = 1_000;

const ORDERS: Sweep = Sweep {
    id: K1,
    count: "-- audit: K1 orders
        select count(*) from orders",
    find: include_str!("keys/one_order_per_key.sql"),
};

/// Checks the keys.
pub(crate) async fn check(databases: &mut Databases, tally: &mut Tally<'_>) {
    if !tally.wants(K1) {
        return;
    }
    sweep::sweep_all(&mut databases.order, &[ORDERS], tally).await;
    let told = match (&mut databases.inventory, &mut databases.order) {
        (Ok(inventory), Ok(orders)) => walk(inventory, orders, tally).await,
        (Err(cause), _) | (_, Err(cause)) => Err(cause.clone()),
    };
    if let Err(cause) = told {
        tally.unknown(K1, &cause);
    }
}

/// Walks over the reservations. Each is younger than its order's row, which is never deleted, so
/// that one look is enough.
async fn walk(
    inventory: &mut Database,
    orders: &mut Database,
    tally: &mut Tally<'_>,
) -> Result<(), String> {
    let mut after = Uuid::nil();
    loop {
        let page: Vec<(Uuid, i16)> = sqlx::query_as(
            "-- audit: K1 reservations
            select a.order_id, a.state
            from allocations a
            where a.order_id > $1
                and a.state in (3, 6)
            order by a.order_id
            limit $2",
        )
        .bind(after)
        .bind(PAGE_MAX)
        .fetch_all(inventory.connection())
        .await
        .map_err(failed(Source::Inventory))?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        after = last.0;
        tally.checked(K1, page.len() as u64);
        let known = known(orders, &page).await.map_err(failed(Source::Order))?;
        for (order_id, state) in page.into_iter().filter(|(id, _)| !known.contains(id)) {
            tally.found(stray(order_id, state));
        }
    }
}

/// Gives those orders that are there. One of which only events are left is O1's.
async fn known(orders: &mut Database, page: &[(Uuid, i16)]) -> Result<HashSet<Uuid>, sqlx::Error> {
    let (shards, ids): (Vec<i16>, Vec<Uuid>) =
        page.iter().map(|(id, _)| (shard_of(*id), *id)).unzip();
    let known: Vec<Uuid> = sqlx::query_scalar(
        "-- audit: K1 orders of reservations
        select i.order_id
        from unnest($1::smallint[], $2::uuid[]) as i (shard, order_id)
        where exists (
                select
                from orders o
                where o.order_id = i.order_id
            )
            or exists (
                select
                from order_events e
                where e.shard = i.shard
                    and e.order_id = i.order_id
            )",
    )
    .bind(shards)
    .bind(ids)
    .fetch_all(orders.connection())
    .await?;
    Ok(known.into_iter().collect())
}

fn stray(order_id: Uuid, state: i16) -> Fault {
    let columns = [
        ("order_id", order_id.to_string()),
        ("state", state.to_string()),
    ];
    Fault {
        predicate: K1,
        message: format!("a reservation in state {state} is of {order_id}, which is no order"),
        rows: vec![Row::new(Source::Inventory, "allocations", columns)],
    }
}
