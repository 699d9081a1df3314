//! P1 to P3: payments and their operations, and what the provider's ledger has of them.
//!
//! The walk reads the payments (the later fact) and then the ledger. What one payment breaks by
//! itself is reported at once; where it and the ledger differ, it is reported if the payment's
//! version is still the same afterwards, so that the ledger was read while nothing changed.
//!
//! Who reports what: of one payment the first of P1, P2, P3 that it breaks. An entry of the ledger
//! without any payment is P3's, unless a confirmed order lacks that payment, which O2 reports.

mod judge;
mod payment;

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use crate::database::{Database, Databases, Reader, Session, failed, reader};
use crate::finding::Source;
use crate::predicate::PredicateId::{self, O2, P1, P2, P3};
use crate::tally::{Fault, Tally};

pub(crate) use judge::{Suspicion, suspect};
pub(crate) use payment::{Entry, Payment, entries_of, load, row_of, shard_of};

/// Payments, or references of the ledger, that are read at once.
const PAGE_MAX: i64 = 1_000;
/// Looks at a payment that keeps changing, before it is left to the next audit.
const LOOKS_MAX: usize = 5;

/// A payment with what the ledger has under its id; none: the ledger cannot be read.
type Case = (Payment, Option<Vec<Entry>>);

/// Checks the payments against themselves and the ledger.
pub(crate) async fn check(databases: &mut Databases, tally: &mut Tally<'_>) {
    if !tally.asked_any(&[P1, P2, P3]) {
        return;
    }
    let Databases {
        order,
        payment,
        provider,
        ..
    } = databases;
    let mut ledger = reader(provider);
    match payment {
        Err(cause) => tally.unknown_all(&[P1, P2, P3], cause),
        Ok(payment) => {
            if let Err(error) = walk(payment, &mut ledger, tally).await {
                tally.unknown_all(&[P1, P2, P3], &failed(Source::Payment)(error));
            } else if let Ok(ledger) = &mut ledger {
                strays(payment, ledger, order, tally).await;
            }
        }
    }
    if let Err(cause) = ledger {
        tally.unknown_all(&[P2, P3], &cause);
    }
}

/// Walks over all payments by their key. An error of the ledger ends up in `ledger`.
async fn walk(
    payment: &mut Database,
    ledger: &mut Reader<'_>,
    tally: &mut Tally<'_>,
) -> Result<(), sqlx::Error> {
    let mut after = (-1_i16, Uuid::nil());
    loop {
        let keys: Vec<(i16, Uuid)> = sqlx::query_as(
            "-- audit: keys of payments
            select p.shard, p.payment_id
            from payments p
            where (p.shard, p.payment_id) > ($1, $2)
            order by p.shard, p.payment_id
            limit $3",
        )
        .bind(after.0)
        .bind(after.1)
        .bind(PAGE_MAX)
        .fetch_all(payment.connection())
        .await?;
        let Some(last) = keys.last() else {
            return Ok(());
        };
        after = *last;
        let cases = look(payment, ledger, &keys).await?;
        count(&cases, tally);
        judge_page(payment, ledger, cases, tally).await?;
    }
}

/// Reads payments, then what the ledger has of them.
async fn look(
    payment: &mut Database,
    ledger: &mut Reader<'_>,
    keys: &[(i16, Uuid)],
) -> Result<Vec<Case>, sqlx::Error> {
    let payments = load(payment.connection(), keys).await?;
    let ids: Vec<Uuid> = keys.iter().map(|(_, id)| *id).collect();
    let mut entries = match ledger {
        Err(_) => None,
        Ok(database) => match entries_of(database.connection(), &ids).await {
            Ok(entries) => Some(entries),
            Err(error) => {
                *ledger = Err(failed(Source::Provider)(error));
                None
            }
        },
    };
    let case = |payment: Payment| {
        let id = payment.payment_id;
        let entries = entries
            .as_mut()
            .map(|entries| entries.remove(&id).unwrap_or_default());
        (payment, entries)
    };
    Ok(payments.into_iter().map(case).collect())
}

fn count(cases: &[Case], tally: &mut Tally<'_>) {
    for (payment, entries) in cases {
        let own = 1 + payment.further() as u64;
        let entries = entries.as_ref().map_or(0, Vec::len) as u64;
        tally.checked(P1, own);
        tally.checked(P2, own + entries);
        tally.checked(P3, own + entries);
    }
}

/// Reports what is certain, and looks again at the rest.
async fn judge_page(
    payment: &mut Database,
    ledger: &mut Reader<'_>,
    mut cases: Vec<Case>,
    tally: &mut Tally<'_>,
) -> Result<(), sqlx::Error> {
    for _ in 0..LOOKS_MAX {
        let mut open: HashMap<Uuid, (i64, Fault)> = HashMap::new();
        let mut keys = Vec::new();
        for (payment, entries) in &cases {
            match suspect(payment, entries.as_deref(), |id| tally.asked(id)) {
                None => {}
                Some(Suspicion {
                    fault,
                    certain: true,
                }) => tally.found(fault),
                Some(Suspicion {
                    fault,
                    certain: false,
                }) => {
                    keys.push((payment.shard, payment.payment_id));
                    open.insert(payment.payment_id, (payment.version, fault));
                }
            }
        }
        if keys.is_empty() {
            return Ok(());
        }
        for again in load(payment.connection(), &keys).await? {
            if let Some((_, fault)) = open
                .remove(&again.payment_id)
                .filter(|(version, _)| *version == again.version)
            {
                tally.found(fault);
                keys.retain(|(_, id)| *id != again.payment_id);
            }
        }
        cases = look(payment, ledger, &keys).await?;
    }
    Ok(())
}

/// Looks for entries of the ledger whose payment has no row. The row is older than the call, and is
/// never deleted, so that one look is enough.
async fn strays(
    payment: &mut Database,
    ledger: &mut Database,
    order: &mut Session,
    tally: &mut Tally<'_>,
) {
    if !tally.asked(P3) {
        return;
    }
    let mut after = Uuid::nil();
    let told = async {
        // What comes later is the next audit's, so that it ends however fast it comes.
        let last = payment::last_reference(ledger.connection())
            .await
            .map_err(failed(Source::Provider))?;
        while last.is_some_and(|last| after < last) {
            strays_page(payment, ledger, order, &mut after, tally).await?;
        }
        Ok(())
    };
    if let Err(cause) = told.await {
        let cause: String = cause;
        tally.unknown(P3, &cause);
    }
}

/// Takes the page of the ledger that begins after `after`, and leaves its end there.
async fn strays_page(
    payment: &mut Database,
    ledger: &mut Database,
    order: &mut Session,
    after: &mut Uuid,
    tally: &mut Tally<'_>,
) -> Result<(), String> {
    let references: Vec<Uuid> = sqlx::query_scalar(
        "-- audit: payments of the ledger
        select distinct l.payment_reference
        from ledger l
        where l.payment_reference > $1
        order by l.payment_reference
        limit $2",
    )
    .bind(*after)
    .bind(PAGE_MAX)
    .fetch_all(ledger.connection())
    .await
    .map_err(failed(Source::Provider))?;
    *after = references.last().copied().unwrap_or(Uuid::max());
    let known = payment::known(payment.connection(), &references)
        .await
        .map_err(failed(Source::Payment))?;
    let unknown: Vec<Uuid> = references
        .into_iter()
        .filter(|id| !known.contains(id))
        .collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let missed = missed_by_orders(order, &unknown, tally.wants(O2)).await?;
    let entries = entries_of(ledger.connection(), &unknown)
        .await
        .map_err(failed(Source::Provider))?;
    for (id, entries) in entries.into_iter().filter(|(id, _)| !missed.contains(id)) {
        tally.found(stray(id, &entries));
    }
    Ok(())
}

fn stray(id: Uuid, entries: &[Entry]) -> Fault {
    Fault {
        predicate: P3,
        message: format!(
            "the provider has {} entries of {id}, which is no payment",
            entries.len()
        ),
        rows: entries.iter().map(Entry::row).collect(),
    }
}

/// Gives those payments that a confirmed order lacks, which O2 reports if it runs.
async fn missed_by_orders(
    order: &mut Session,
    ids: &[Uuid],
    reported: bool,
) -> Result<HashSet<Uuid>, String> {
    let Some(order) = order.as_mut().ok().filter(|_| reported) else {
        return Ok(HashSet::new());
    };
    let shards: Vec<i16> = ids.iter().map(|id| shard_of(*id)).collect();
    let missed: Vec<Uuid> = sqlx::query_scalar(
        "-- audit: confirmed orders that cost something
        select o.order_id
        from unnest($1::smallint[], $2::uuid[]) as i (shard, order_id)
        join orders o on o.shard = i.shard and o.order_id = i.order_id
        where o.state = 2
            and o.total_minor_units > 0",
    )
    .bind(shards)
    .bind(ids)
    .fetch_all(order.connection())
    .await
    .map_err(failed(Source::Order))?;
    Ok(missed.into_iter().collect())
}

/// Tells whether a payment breaks a predicate of this module that runs: then that one reports it.
pub(crate) fn is_reported(
    payment: &Payment,
    entries: Option<&[Entry]>,
    asked: impl Fn(PredicateId) -> bool,
) -> bool {
    suspect(payment, entries, asked).is_some()
}
