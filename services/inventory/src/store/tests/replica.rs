//! One replica of the service as its stores see it, and what the tests say about its database.

use std::sync::Arc;

use holdfast_kit::id::{OrderId, Shard};
use holdfast_postgres::testing::TestDatabase;
use saga_batch::{Limits, Writer};
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;

use crate::MIGRATOR;
use crate::domain::adjust::{AdjustReason, Adjustment, Shortfall};
use crate::domain::allocation::Allocation;
use crate::domain::change::{Body, CardBody, Change};
use crate::domain::line::Line;
use crate::domain::names::{LocationId, RequestId, Sku};
use crate::domain::{change, record, release};
use crate::store::{AllocateBatch, ChangeBatch, HeldRows, ReleaseBatch};

/// Makes a migrated database of this test's own.
pub(super) async fn database() -> TestDatabase {
    TestDatabase::create("inventory", &MIGRATOR).await
}

/// The writers of one replica.
pub(super) struct Replica {
    pub(super) allocations: Writer<AllocateBatch>,
    pub(super) releases: Writer<ReleaseBatch>,
    pub(super) changes: Writer<ChangeBatch>,
}

impl Replica {
    pub(super) fn start(options: &PgConnectOptions) -> Self {
        let held = Arc::new(HeldRows::default());
        let limits = Limits::default();
        let (allocations, _) = Writer::start(
            AllocateBatch::new(Arc::clone(&held)),
            options.clone(),
            limits,
        );
        let (releases, _) = Writer::start(
            ReleaseBatch::new(Arc::clone(&held)),
            options.clone(),
            limits,
        );
        let (changes, _) = Writer::start(ChangeBatch::new(held), options.clone(), limits);
        Self {
            allocations,
            releases,
            changes,
        }
    }

    pub(super) async fn allocate(&self, item: Allocation) -> record::Answer {
        self.allocations.submit(item).await.unwrap()
    }

    pub(super) async fn release(&self, order_id: OrderId) -> release::Answer {
        self.releases.submit(order_id).await.unwrap()
    }

    pub(super) async fn change(&self, item: Change) -> change::Answer {
        self.changes.submit(item).await.unwrap()
    }

    /// Makes a SKU with so many units at the default location.
    pub(super) async fn stock(&self, sku: &str, units: i64) {
        self.change(put(sku, "p", sku)).await;
        self.change(adjust(sku, "a", units)).await;
    }
}

pub(super) fn put(sku: &str, request_id: &str, title: &str) -> Change {
    let body = CardBody {
        title: title.to_owned(),
        attributes: [("k".into(), "v".into())].into(),
    };
    let request_id = RequestId::new(request_id);
    Change {
        sku: Sku::new(sku),
        request_id,
        body: Body::PutSku(body),
    }
}

pub(super) fn adjust(sku: &str, request_id: &str, delta: i64) -> Change {
    let adjustment = Adjustment {
        location_id: None,
        delta,
        reason: AdjustReason::Received,
        shortfall: Shortfall::Refuse,
        order_id: None,
    };
    let request_id = RequestId::new(request_id);
    Change {
        sku: Sku::new(sku),
        request_id,
        body: Body::AdjustStock(adjustment),
    }
}

pub(super) fn at(sku: &str, request_id: &str, delta: i64, location_id: &str) -> Change {
    let mut change = adjust(sku, request_id, delta);
    if let Body::AdjustStock(adjustment) = &mut change.body {
        adjustment.location_id = Some(LocationId::new(location_id));
    }
    change
}

pub(super) fn order_id() -> OrderId {
    OrderId::generate(Shard::of_customer("c"))
}

/// A new order of units of SKUs, wherever they are.
pub(super) fn order(lines: &[(&str, i64)]) -> Allocation {
    let line = |&(sku, quantity): &(&str, i64)| Line {
        sku: Sku::new(sku),
        quantity,
        location_id: None,
    };
    Allocation {
        order_id: order_id(),
        lines: lines.iter().map(line).collect(),
    }
}

pub(super) fn done(replayed: bool) -> record::Answer {
    record::Answer::Done {
        placed: None,
        replayed,
    }
}

/// (on_hand, reserved) of a SKU, all locations together.
pub(super) async fn units(pool: &PgPool, sku: &str) -> (i64, i64) {
    sqlx::query_as("select sum(on_hand)::bigint, sum(reserved)::bigint from stock where sku = $1")
        .bind(sku)
        .fetch_one(pool)
        .await
        .unwrap()
}

pub(super) async fn count(pool: &PgPool, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(pool).await.unwrap()
}

/// The invariants I1, I2, I3 and I7, by SQL that shares nothing with the service's.
pub(super) async fn check_invariants(pool: &PgPool) {
    let violations = [
        (
            "I1",
            "select count(*) from stock s
            left join (
                select sku, location_id, sum(delta) as total from movements group by 1, 2
            ) m using (sku, location_id)
            where s.on_hand <> coalesce(m.total, 0)",
        ),
        (
            "I2",
            "select count(*) from (
                select sku, location_id, sum(quantity) as total
                from allocation_lines where state = 6 group by 1, 2
            ) l
            full join stock s using (sku, location_id)
            where coalesce(s.reserved, 0) <> coalesce(l.total, 0)",
        ),
        (
            "I3",
            "select count(*) from stock
            where reserved < 0 or reserved > on_hand + shortfall
            or shortfall <> greatest(0, reserved - on_hand)",
        ),
        (
            "I7",
            "select count(*) from allocations a
            cross join jsonb_array_elements(a.refusal -> 'shortages') s
            where a.refusal ->> 'reason' = 'OUT_OF_STOCK'
            and not coalesce(
                (s ->> 'available')::bigint < (s ->> 'requested')::bigint
                and (s ->> 'available')::bigint >= 0
                and (s ->> 'version')::bigint >= 0, false)",
        ),
    ];
    for (id, sql) in violations {
        assert_eq!(count(pool, sql).await, 0, "{id}");
    }
}
