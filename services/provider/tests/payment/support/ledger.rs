//! The money laws in SQL: P1, P2, P3 and P5 over the payment database and the provider's ledger.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{PgPool, Row};
use uuid::Uuid;

use super::{World, eventually};

/// What one payment has authorized, captured, refunded and voided.
type Sums = (i64, i64, i64, i64);

impl World {
    /// Waits until nothing is in flight, then checks the money laws on everything there is.
    pub(crate) async fn check_money(&self) {
        let (payments, ledger) = (self.payments().await, self.ledger().await);
        eventually("rest (P5)", || async {
            count(&payments, "select count(*) from payments where state = 6").await == 0
        })
        .await;
        let in_flight = "select count(*) from payments where intent_state = 2 \
                         or intent_next_time is not null or reverse_state = 2";
        assert_eq!(
            count(&payments, in_flight).await,
            0,
            "P5: intents without an outcome"
        );
        let in_flight = "select count(*) from operations where state = 2 or next_time is not null";
        assert_eq!(
            count(&payments, in_flight).await,
            0,
            "P5: operations without an outcome"
        );

        let stored = sums(&payments, STORED).await;
        assert_eq!(
            stored,
            sums(&payments, OF_OPERATIONS).await,
            "P1: sums of operations"
        );
        for (id, (authorized, captured, refunded, voided)) in &stored {
            assert!(
                0 <= *refunded && refunded <= captured && captured + voided <= *authorized,
                "P1: {id}"
            );
        }
        let at_provider = sums(&ledger, LEDGER).await;
        let moved = |sums: &BTreeMap<Uuid, Sums>| -> BTreeMap<Uuid, Sums> {
            sums.iter()
                .filter(|(_, it)| it.0 > 0)
                .map(|(id, it)| (*id, *it))
                .collect()
        };
        assert_eq!(
            moved(&stored),
            moved(&at_provider),
            "P3: both sides tell the same"
        );

        let twice = "select count(*) from (select from ledger where kind in (1, 2) and outcome = 1 \
                     group by payment_reference having count(*) > 1) as t";
        assert_eq!(
            count(&ledger, twice).await,
            0,
            "P2: one successful authorization"
        );
        let known = texts(&payments, KEYS).await;
        let used = texts(&ledger, "select provider_key from ledger").await;
        assert!(
            used.is_subset(&known),
            "P2: every key at the provider is an intent's"
        );
    }
}

const STORED: &str = "select payment_id, authorized_minor_units, captured_minor_units, \
    refunded_minor_units, voided_minor_units from payments";

const OF_OPERATIONS: &str = "with done as ( \
        select payment_id, 1 as method, requested_minor_units as amount, auto_capture \
        from payments where intent_state = 3 and intent_refusal is null \
        union all \
        select payment_id, method, amount_minor_units, auto_capture \
        from operations where state = 3 and refusal is null \
    ) \
    select p.payment_id, \
        coalesce(sum(d.amount) filter (where d.method = 1), 0)::bigint, \
        coalesce(sum(d.amount) filter (where d.method = 2 or d.auto_capture), 0)::bigint, \
        coalesce(sum(d.amount) filter (where d.method = 4), 0)::bigint, \
        coalesce(sum(d.amount) filter (where d.method = 3), 0)::bigint \
    from payments p left join done d using (payment_id) group by p.payment_id";

const LEDGER: &str = "select payment_reference, \
        coalesce(sum(amount_minor_units) filter (where kind in (1, 2)), 0)::bigint, \
        coalesce(sum(amount_minor_units) filter (where kind in (2, 3)), 0)::bigint, \
        coalesce(sum(amount_minor_units) filter (where kind = 5), 0)::bigint, \
        coalesce(sum(amount_minor_units) filter (where kind = 4), 0)::bigint \
    from ledger where outcome = 1 group by payment_reference";

const KEYS: &str = "select intent_key from payments where intent_key is not null \
    union select provider_key from operations where provider_key is not null";

pub(crate) async fn count(pool: &PgPool, statement: &'static str) -> i64 {
    sqlx::query_scalar(statement).fetch_one(pool).await.unwrap()
}

async fn sums(pool: &PgPool, statement: &'static str) -> BTreeMap<Uuid, Sums> {
    let rows = sqlx::query(statement).fetch_all(pool).await.unwrap();
    rows.iter()
        .map(|row| (row.get(0), (row.get(1), row.get(2), row.get(3), row.get(4))))
        .collect()
}

async fn texts(pool: &PgPool, statement: &'static str) -> BTreeSet<String> {
    let texts: Vec<String> = sqlx::query_scalar(statement).fetch_all(pool).await.unwrap();
    texts.into_iter().collect()
}
