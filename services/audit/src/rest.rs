//! Whether the system is at rest: no order undecided, nothing in flight at a provider. It is asked
//! twice, two seconds apart, and nothing may have happened in between.

use std::time::Duration;

use sqlx::Row as _;
use tokio::time::{Instant, sleep};

use crate::database::{Database, Databases, failed};
use crate::finding::Source;

/// Between the two looks that make rest.
const APART: Duration = Duration::from_secs(2);
/// Between looks while there is no rest.
const POLL_EVERY: Duration = Duration::from_millis(500);

/// What one look has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Look {
    undecided: i64,
    halted: i64,
    in_flight: i64,
    /// Goes up with everything that happens to an order or a payment.
    happened: i64,
}

impl Look {
    fn is_quiet(self) -> bool {
        self.undecided == 0 && self.in_flight == 0
    }

    fn unrest(self) -> String {
        format!(
            "not at rest: {} orders undecided, {} of them halted, {} payments in flight",
            self.undecided, self.halted, self.in_flight
        )
    }
}

/// Waits for rest.
///
/// # Errors
/// Why there is none, as a sentence: it did not come in time, or cannot be told.
pub(crate) async fn wait(databases: &mut Databases, wait_max: Duration) -> Result<(), String> {
    let deadline = Instant::now() + wait_max;
    let (order, payment) = match (&mut databases.order, &mut databases.payment) {
        (Ok(order), Ok(payment)) => (order, payment),
        (Err(cause), _) | (_, Err(cause)) => return Err(format!("rest cannot be told: {cause}")),
    };
    let mut quiet_since: Option<(Instant, Look)> = None;
    loop {
        let asked = Instant::now();
        let look = look(order, payment).await?;
        match quiet_since {
            Some((since, before)) if before == look && asked - since >= APART => return Ok(()),
            Some((_, before)) if before == look => {}
            _ => quiet_since = look.is_quiet().then_some((asked, look)),
        }
        let pause = match quiet_since {
            Some((since, _)) => (since + APART).saturating_duration_since(Instant::now()),
            None => POLL_EVERY,
        };
        if Instant::now() + pause > deadline {
            return Err(if look.is_quiet() {
                "not at rest: orders kept coming until the wait was over".to_owned()
            } else {
                look.unrest()
            });
        }
        sleep(pause).await;
    }
}

async fn look(order: &mut Database, payment: &mut Database) -> Result<Look, String> {
    let orders = sqlx::query(
        "-- audit: undecided orders
        select
            count(*) filter (where o.state in (1, 5)) as undecided,
            count(*) filter (where o.state in (1, 5) and o.halt is not null)
                + (select count(*) from sagas s where s.state = 1 and s.halt is not null) as halted,
            count(*) + coalesce(sum(o.version), 0)::bigint as happened
        from orders o",
    )
    .fetch_one(order.connection())
    .await
    .map_err(failed(Source::Order))?;
    let payments = sqlx::query(
        "-- audit: payments in flight
        select
            count(*) filter (where p.intent_state = 2 or p.reverse_state = 2)
                + (select count(*) from operations o where o.state = 2) as in_flight,
            count(*) + coalesce(sum(p.version), 0)::bigint as happened
        from payments p",
    )
    .fetch_one(payment.connection())
    .await
    .map_err(failed(Source::Payment))?;
    let of = |row: &sqlx::postgres::PgRow, name: &str, source| {
        row.try_get::<i64, _>(name).map_err(failed(source))
    };
    Ok(Look {
        undecided: of(&orders, "undecided", Source::Order)?,
        halted: of(&orders, "halted", Source::Order)?,
        in_flight: of(&payments, "in_flight", Source::Payment)?,
        happened: of(&orders, "happened", Source::Order)?
            + of(&payments, "happened", Source::Payment)?,
    })
}
