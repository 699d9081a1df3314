//! The log of the sagas that cancel confirmed orders: the engine's own table, except that a finish
//! also ends the order, in the same transaction.

use std::collections::HashSet;

use holdfast_kit::{id::OrderId, refusal::Refusal};
use saga_runtime::{
    Beat, Log, LogEntry, LogUnreachable, Logged, Row, RunnerId, SagaId, Sign, TableLog, TakenOver,
    Trouble,
};
use sqlx::{Connection, PgPool};
use uuid::Uuid;

use super::events::{self, Event, Happened};
use crate::saga::cancel::{Cancelling, NAME, VERSION};

/// Where cancels are logged.
#[derive(Debug)]
pub(crate) struct CancelLog {
    table: TableLog<Cancelling>,
    pool: PgPool,
}

/// What ending a batch came to.
enum End {
    /// These have ended; the others' rows were not as presumed.
    Committed(HashSet<SagaId>),
    /// Nothing has: the orders of these are not as their sagas have left them.
    Misfits(HashSet<SagaId>),
}

impl CancelLog {
    /// Logs through `pool`.
    #[must_use]
    pub(crate) fn new(pool: PgPool) -> Self {
        Self {
            table: TableLog::new(pool.clone(), NAME, VERSION),
            pool,
        }
    }

    pub(super) fn table(&self) -> &TableLog<Cancelling> {
        &self.table
    }

    /// Ends sagas and their orders, all of them or none.
    async fn end(&self, entries: &[LogEntry<Cancelling>]) -> Result<End, sqlx::Error> {
        let mut connection = self.pool.acquire().await?;
        let mut transaction = connection.begin().await?;
        let ended = self.table.finish_in(&mut transaction, entries).await?;
        let mine: Vec<&Cancelling> = entries
            .iter()
            .map(|entry| &*entry.saga)
            .filter(|saga| ended.contains(&saga.saga_id))
            .collect();
        let shards: Vec<i16> = mine
            .iter()
            .map(|saga| saga.order_id.shard().get())
            .collect();
        let orders: Vec<Uuid> = mine.iter().map(|saga| saga.order_id.as_uuid()).collect();
        let sagas: Vec<Uuid> = mine.iter().map(|saga| saga.saga_id.0).collect();
        let cancelled = sqlx::query_file!("src/store/cancel/finish.sql", &shards, &orders, &sagas)
            .fetch_all(&mut *transaction)
            .await?;
        let found: HashSet<SagaId> = cancelled.iter().map(|row| SagaId(row.saga_id)).collect();
        let misfits: HashSet<SagaId> = ended.difference(&found).copied().collect();
        if !misfits.is_empty() {
            transaction.rollback().await?;
            return Ok(End::Misfits(misfits));
        }
        let events: Vec<Event> = cancelled
            .into_iter()
            .map(|row| Event {
                id: OrderId::from_uuid(row.order_id),
                version: row.version,
                happened: Happened::Cancelled,
                create_time: row.update_time,
            })
            .collect();
        events::publish(&mut transaction, &events).await?;
        transaction.commit().await?;
        Ok(End::Committed(ended))
    }
}

impl Log<Cancelling> for CancelLog {
    type Receipt = ();

    async fn turn(&self, entries: &[LogEntry<Cancelling>]) -> Vec<Logged<()>> {
        self.table.turn(entries).await
    }

    async fn finish(&self, entries: &[LogEntry<Cancelling>]) -> Vec<Logged<()>> {
        let ended = self.end(entries).await;
        if let Err(error) = &ended {
            tracing::warn!(%error, sagas = entries.len(), "ends of cancels lost");
        }
        let answer = |entry: &LogEntry<Cancelling>| match &ended {
            Ok(End::Committed(ended)) if ended.contains(&entry.saga.saga_id) => Logged::Changed(()),
            Ok(End::Committed(_)) => Logged::Stale,
            Ok(End::Misfits(misfits)) if misfits.contains(&entry.saga.saga_id) => {
                let error = "its order is not as this saga has left it";
                Logged::Impossible(error.to_owned())
            }
            // The others are read and tried again without the misfits.
            Ok(End::Misfits(_)) | Err(_) => Logged::Lost,
        };
        entries.iter().map(answer).collect()
    }

    async fn read(&self, ids: &[SagaId]) -> Result<Vec<Row<Refusal>>, LogUnreachable> {
        self.table.read(ids).await
    }

    async fn trouble(&self, troubles: &[Trouble]) -> Result<(), LogUnreachable> {
        self.table.trouble(troubles).await
    }

    async fn claim(
        &self,
        runner: RunnerId,
        limit: usize,
    ) -> Result<TakenOver<Cancelling>, LogUnreachable> {
        self.table.claim(runner, limit).await
    }

    async fn carried(
        &self,
        runner: RunnerId,
        limit: usize,
    ) -> Result<TakenOver<Cancelling>, LogUnreachable> {
        self.table.carried(runner, limit).await
    }

    async fn unknown(&self) -> Result<u64, LogUnreachable> {
        self.table.unknown().await
    }

    async fn release(&self, runner: RunnerId, ids: &[SagaId]) -> Result<(), LogUnreachable> {
        self.table.release(runner, ids).await
    }

    async fn beat(&self, runner: RunnerId, sign: Sign) -> Result<(), LogUnreachable> {
        self.table.beat(runner, sign).await
    }

    async fn beats(&self) -> Result<Vec<Beat>, LogUnreachable> {
        self.table.beats().await
    }

    async fn bury(&self, dead: &[RunnerId]) -> Result<u64, LogUnreachable> {
        self.table.bury(dead).await
    }
}
