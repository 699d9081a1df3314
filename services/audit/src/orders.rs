//! O1, E2, I5, O2 and O3: each order with its events, its reservation and its payment.
//!
//! The walk reads the orders (the later fact), then reservations and payments. An order that seems
//! to lack something is reported if its version is still the same afterwards.
//!
//! Who reports what: of one order the first predicate that it breaks. A reservation whose own row
//! is wrong is I4's; a payment that breaks P1 to P3 is theirs; and an order whose reservation is
//! wrong answers for the difference in the stock rows (I2).

mod history;
mod judge;
mod order;

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use crate::blame::{Differences, FeedDamage};
use crate::database::{Database, Databases, Reader, failed, reader};
use crate::finding::Source;
use crate::money::{self, Entry, Payment, shard_of};
use crate::predicate::PredicateId::{E2, I5, O1, O2, O3};
use crate::tally::{Fault, Tally};

use order::{CANCELLED, CONFIRMED, Order, REJECTED, Reservation, Units};

/// Orders that are read at once. Each may have 1,000 lines.
const PAGE_MAX: i64 = 1_000;
/// Looks at an order that keeps changing, before it is left to the next audit.
const LOOKS_MAX: usize = 5;

/// What may be read beside the orders.
struct Beside<'a> {
    inventory: Reader<'a>,
    payment: Reader<'a>,
    ledger: Reader<'a>,
}

/// Something that an order seems to lack.
struct Suspect {
    order: Order,
    fault: Option<Fault>,
    difference: Units,
}

/// Checks the orders. `damage` is what E1 has found; `differences` what I2 has.
pub(crate) async fn check(
    databases: &mut Databases,
    damage: FeedDamage,
    differences: &mut Differences,
    tally: &mut Tally<'_>,
) {
    let all = [O1, E2, I5, O2, O3];
    if !tally.asked_any(&all) {
        return;
    }
    let Databases {
        order,
        inventory,
        payment,
        provider,
    } = databases;
    let mut beside = Beside {
        inventory: reader(inventory),
        payment: reader(payment),
        ledger: reader(provider),
    };
    match order {
        Err(cause) => tally.unknown_all(&all, cause),
        Ok(orders) => {
            if let Err(error) = read(orders, &mut beside, damage, differences, tally).await {
                tally.unknown_all(&all, &failed(Source::Order)(error));
            }
        }
    }
    if let Err(cause) = &beside.inventory {
        tally.unknown_all(&[I5, O3], cause);
    }
    if let Err(cause) = &beside.payment {
        tally.unknown_all(&[O2, O3], cause);
    }
}

async fn read(
    orders: &mut Database,
    beside: &mut Beside<'_>,
    damage: FeedDamage,
    differences: &mut Differences,
    tally: &mut Tally<'_>,
) -> Result<(), sqlx::Error> {
    let mut reported = HashSet::new();
    if tally.asked_any(&[O1, E2]) {
        reported = history::check(orders, damage, tally).await?;
    }
    if tally.asked_any(&[I5, O2, O3]) {
        walk(orders, beside, &reported, differences, tally).await?;
    }
    Ok(())
}

/// Walks over the decided orders of which nothing was reported yet.
async fn walk(
    orders: &mut Database,
    beside: &mut Beside<'_>,
    reported: &HashSet<Uuid>,
    differences: &mut Differences,
    tally: &mut Tally<'_>,
) -> Result<(), sqlx::Error> {
    // Orders that come later are the next audit's, so that it ends however fast they come.
    let last: Option<Uuid> = sqlx::query_scalar(
        "-- audit: the last order
        select o.order_id
        from orders o
        order by o.order_id desc
        limit 1",
    )
    .fetch_optional(orders.connection())
    .await?;
    let mut after = Uuid::nil();
    while last.is_some_and(|last| after < last) {
        let ids: Vec<Uuid> = sqlx::query_scalar(
            "-- audit: ids of orders
            select o.order_id
            from orders o
            where o.order_id > $1
            order by o.order_id
            limit $2",
        )
        .bind(after)
        .bind(PAGE_MAX)
        .fetch_all(orders.connection())
        .await?;
        let Some(end) = ids.last() else {
            break;
        };
        after = *end;
        let mut page = order::load(orders.connection(), &ids).await?;
        count(&page, tally);
        page.retain(|it| {
            matches!(it.state, CONFIRMED | REJECTED | CANCELLED) && !reported.contains(&it.order_id)
        });
        judge_page(orders, beside, page, differences, tally).await?;
    }
    Ok(())
}

fn count(page: &[Order], tally: &mut Tally<'_>) {
    let in_state = |state| page.iter().filter(|order| order.state == state).count() as u64;
    tally.checked(I5, in_state(CONFIRMED));
    tally.checked(O2, in_state(CONFIRMED));
    tally.checked(O3, in_state(REJECTED) + in_state(CANCELLED));
}

/// Looks at what decided orders rest on, and again where something seems to lack.
async fn judge_page(
    orders: &mut Database,
    beside: &mut Beside<'_>,
    mut page: Vec<Order>,
    differences: &mut Differences,
    tally: &mut Tally<'_>,
) -> Result<(), sqlx::Error> {
    for _ in 0..LOOKS_MAX {
        let suspects = look(beside, page, tally).await;
        if suspects.is_empty() {
            return Ok(());
        }
        let ids: Vec<Uuid> = suspects
            .iter()
            .map(|suspect| suspect.order.order_id)
            .collect();
        let again = order::load(orders.connection(), &ids).await?;
        let mut again: HashMap<Uuid, Order> = again
            .into_iter()
            .map(|order| (order.order_id, order))
            .collect();
        page = Vec::new();
        for suspect in suspects {
            match again.remove(&suspect.order.order_id) {
                Some(now) if now.version != suspect.order.version => page.push(now),
                _ => report(suspect, differences, tally),
            }
        }
    }
    Ok(())
}

fn report(suspect: Suspect, differences: &mut Differences, tally: &mut Tally<'_>) {
    let reported = suspect
        .fault
        .as_ref()
        .is_none_or(|fault| tally.asked(fault.predicate));
    if reported {
        for (sku, units) in &suspect.difference {
            differences.account(sku, *units);
        }
    }
    if let Some(fault) = suspect.fault {
        tally.found(fault);
    }
}

/// Reads what orders rest on, and gives those that seem to lack something.
async fn look(beside: &mut Beside<'_>, page: Vec<Order>, tally: &mut Tally<'_>) -> Vec<Suspect> {
    let ids: Vec<Uuid> = page.iter().map(|order| order.order_id).collect();
    if ids.is_empty() {
        return Vec::new();
    }
    let reservations = reservations(beside, &ids, tally).await;
    let payments = payments(beside, &ids, tally).await;
    let mut suspects = Vec::new();
    let mut unpaid = Vec::new();
    for order in page {
        let id = order.order_id;
        let stock = reservations.as_ref().and_then(|them| {
            judge::stock(&order, them.get(&id), |predicate| tally.asked(predicate))
        });
        let money = payments.as_ref().and_then(|them| {
            judge::money(&order, them.get(&id), |predicate| tally.asked(predicate))
        });
        match (stock, money) {
            (Some(stock), _) => suspects.push(Suspect {
                order,
                fault: stock.fault,
                difference: stock.difference,
            }),
            (None, Some(fault)) => unpaid.push((order, fault)),
            (None, None) => {}
        }
    }
    let ids: Vec<Uuid> = unpaid.iter().map(|(order, _)| order.order_id).collect();
    let entries = entries(beside, &ids).await;
    let payments = payments.unwrap_or_default();
    for (order, fault) in unpaid {
        let entries = entries.as_ref().map(|entries| entries.get(&order.order_id));
        let entries = entries.map(|entries| entries.map(Vec::as_slice).unwrap_or_default());
        let asked = |predicate| tally.asked(predicate);
        let payment = payments.get(&order.order_id);
        if !payment.is_some_and(|payment| money::is_reported(payment, entries, asked)) {
            suspects.push(Suspect {
                order,
                fault: Some(fault),
                difference: Units::new(),
            });
        }
    }
    suspects
}

async fn reservations(
    beside: &mut Beside<'_>,
    ids: &[Uuid],
    tally: &mut Tally<'_>,
) -> Option<HashMap<Uuid, Reservation>> {
    let inventory = beside
        .inventory
        .as_mut()
        .ok()
        .filter(|_| tally.asked_any(&[I5, O3]))?;
    match order::reservations(inventory.connection(), ids).await {
        Ok(reservations) => Some(reservations),
        Err(error) => {
            beside.inventory = Err(failed(Source::Inventory)(error));
            None
        }
    }
}

async fn payments(
    beside: &mut Beside<'_>,
    ids: &[Uuid],
    tally: &mut Tally<'_>,
) -> Option<HashMap<Uuid, Payment>> {
    let payment = beside
        .payment
        .as_mut()
        .ok()
        .filter(|_| tally.asked_any(&[O2, O3]))?;
    let keys: Vec<(i16, Uuid)> = ids.iter().map(|id| (shard_of(*id), *id)).collect();
    match money::load(payment.connection(), &keys).await {
        Ok(payments) => Some(payments.into_iter().map(|it| (it.payment_id, it)).collect()),
        Err(error) => {
            beside.payment = Err(failed(Source::Payment)(error));
            None
        }
    }
}

async fn entries(beside: &mut Beside<'_>, ids: &[Uuid]) -> Option<HashMap<Uuid, Vec<Entry>>> {
    let ledger = beside.ledger.as_mut().ok()?;
    match money::entries_of(ledger.connection(), ids).await {
        Ok(entries) => Some(entries),
        Err(error) => {
            beside.ledger = Err(failed(Source::Provider)(error));
            None
        }
    }
}
