//! I1 to I4 and I7: what one snapshot of the inventory tells about its stock.
//!
//! Who reports what: a stock row whose figures do not follow from the ledger (I1) or from the
//! reservations (I2) is not reported again for being out of bounds (I3). A reservation whose row
//! contradicts itself (I4) is not asked why it was refused (I7).

use sqlx::Row as _;

use crate::blame::Differences;
use crate::database::{Session, failed};
use crate::predicate::PredicateId;
use crate::sweep::{self, Sweep};
use crate::tally::Tally;

/// What is told by a statement each.
const SWEEPS: [Sweep; 4] = [
    Sweep {
        id: PredicateId::I1,
        count: "-- audit: I1 rows
            select (select count(*) from stock) + (select count(*) from movements)",
        find: include_str!("stock/i1_on_hand_follows_from_movements.sql"),
    },
    Sweep {
        id: PredicateId::I3,
        count: "-- audit: I3 rows
            select count(*) from stock",
        find: include_str!("stock/i3_reserved_in_bounds.sql"),
    },
    Sweep {
        id: PredicateId::I4,
        count: "-- audit: I4 rows
            select
                (select count(*) from allocations)
                + (select count(*) from movements where reason = 7)",
        find: include_str!("stock/i4_reservations_end_once.sql"),
    },
    Sweep {
        id: PredicateId::I7,
        count: "-- audit: I7 rows
            select count(*) from allocations where state = 1",
        find: include_str!("stock/i7_no_false_refusal.sql"),
    },
];

/// I2, whose findings wait: an order whose reservation is wrong may answer for them.
const RESERVED: Sweep = Sweep {
    id: PredicateId::I2,
    count: "-- audit: I2 rows
        select
            (select count(*) from stock)
            + (select count(*) from allocations where state = 6)",
    find: include_str!("stock/i2_reserved_follows_from_reservations.sql"),
};

/// Checks the inventory; gives what I2 has found.
pub(crate) async fn check(inventory: &mut Session, tally: &mut Tally<'_>) -> Differences {
    sweep::sweep_all(inventory, &SWEEPS, tally).await;
    let mut differences = Differences::default();
    if !tally.wants(RESERVED.id) {
        return differences;
    }
    match inventory {
        Err(cause) => tally.unknown(RESERVED.id, cause),
        Ok(database) => {
            let source = database.source();
            let told = sweep::run(database, &RESERVED, |fault, row| {
                let sku: Option<String> = row.try_get("sku").ok().flatten();
                let difference: i64 = row.try_get("difference").unwrap_or_default();
                if let Some(fault) = differences.hold(sku, difference, fault) {
                    tally.found(fault);
                }
            });
            match told.await {
                Ok(rows) => tally.checked(RESERVED.id, rows),
                Err(error) => {
                    tally.unknown(RESERVED.id, &failed(source)(error));
                }
            }
        }
    }
    differences
}
