//! The durable backlog: accepted orders that nobody carries yet. Its size is counted now and then,
//! so its limit is soft by what arrives in between.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use sqlx::PgPool;

/// Between counts.
const COUNT_EVERY: Duration = Duration::from_secs(1);

/// How many accepted orders wait for a runner; clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Backlog {
    waiting: Arc<AtomicI64>,
    limit: i64,
}

impl Backlog {
    pub(crate) fn new(limit: i64) -> Self {
        Self {
            waiting: Arc::default(),
            limit,
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) >= self.limit
    }

    /// Counts until the process ends.
    pub(crate) async fn count(self, pool: PgPool) {
        let gauge = metrics::gauge!("holdfast_order_backlog_orders");
        loop {
            match waiting(&pool, self.limit).await {
                Ok(waiting) => {
                    self.waiting.store(waiting, Ordering::Relaxed);
                    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
                    gauge.set(waiting as f64);
                }
                Err(error) => tracing::warn!(%error, "backlog not counted"),
            }
            tokio::time::sleep(COUNT_EVERY).await;
        }
    }
}

/// Counts up to the limit; the index of what has no runner holds nothing else.
async fn waiting(pool: &PgPool, limit: i64) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"-- order: count the backlog
        select count(*) as "waiting!"
        from (
            select 1
            from orders o
            where o.runner is null
                and o.state = 1
                and o.halt is null
            limit $1
        ) w"#,
        limit,
    )
    .fetch_one(pool)
    .await
}
