//! The log of the sagas that cancel confirmed orders: the engine's own table, except that a finish
//! also ends the order, in the same transaction.

use std::collections::HashSet;

use holdfast_kit::refusal::Refusal;
use saga_runtime::{
    Beat, Log, LogEntry, LogUnreachable, Logged, Row, RunnerId, SagaId, Sign, TableLog, TakenOver,
    Trouble,
};
use sqlx::{Connection, PgPool};
use uuid::Uuid;

use crate::saga::cancel::{Cancelling, NAME, VERSION};

/// Where cancels are logged.
#[derive(Debug)]
pub(crate) struct CancelLog {
    table: TableLog<Cancelling>,
    pool: PgPool,
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

    /// Ends sagas and their orders; gives those whose row was as presumed.
    async fn end(&self, entries: &[LogEntry<Cancelling>]) -> Result<HashSet<SagaId>, sqlx::Error> {
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
        let cancelled =
            sqlx::query_file_scalar!("src/store/cancel/finish.sql", &shards, &orders, &sagas)
                .fetch_all(&mut *transaction)
                .await?;
        if cancelled.len() != mine.len() {
            transaction.rollback().await?;
            let error = "an order is not as the saga that cancels it left it";
            return Err(sqlx::Error::Protocol(error.to_owned()));
        }
        transaction.commit().await?;
        Ok(ended)
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
            Ok(ended) if ended.contains(&entry.saga.saga_id) => Logged::Changed(()),
            Ok(_) => Logged::Stale,
            Err(sqlx::Error::Protocol(error)) => Logged::Impossible(error.clone()),
            Err(_) => Logged::Lost,
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
