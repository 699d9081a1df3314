//! The engine's own log: one table for every kind of saga that has no row of its own to log in.
//! What a saga carries is kept as JSON; each write is one compare-and-set for a whole batch.

use std::{collections::HashSet, marker::PhantomData, time::Duration};

use serde::{Serialize, de::DeserializeOwned};
use sqlx::{PgConnection, PgExecutor, PgPool, types::Json};
use uuid::Uuid;

use crate::{
    Adopted, Beat, Log, LogEntry, LogUnreachable, Logged, Row, RunnerId, Saga, SagaId, Sign,
    TakenOver, Trouble,
};

mod rows;
mod takeover;

/// The schema that a [`TableLog`] needs in its database.
pub static TABLE_LOG_MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

const SUCCEEDED: i16 = 5;
const COMPENSATED: i16 = 6;

/// The log of one definition in the engine's own table.
#[derive(Debug)]
pub struct TableLog<S> {
    pool: PgPool,
    definition: &'static str,
    version: i16,
    saga: PhantomData<fn() -> S>,
}

impl<S> TableLog<S>
where
    S: Saga + Serialize + DeserializeOwned,
    S::Refusal: Serialize + DeserializeOwned,
{
    /// The log of `definition` in `version`, in the database of `pool`.
    #[must_use]
    pub fn new(pool: PgPool, definition: &'static str, version: i16) -> Self {
        Self {
            pool,
            definition,
            version,
            saga: PhantomData,
        }
    }

    /// Starts sagas that `runner` carries, and gives those that are new to be adopted. One that is
    /// there already is left as it is.
    ///
    /// # Errors
    /// [`LogUnreachable`]: they may have been started; starting them again is safe.
    pub async fn start(
        &self,
        runner: RunnerId,
        sagas: Vec<S>,
        decide_within: Duration,
    ) -> Result<Vec<Adopted<S>>, LogUnreachable> {
        let mut connection = self.pool.acquire().await.map_err(unreachable)?;
        self.start_in(&mut connection, runner, sagas, decide_within)
            .await
            .map_err(unreachable)
    }

    /// As [`TableLog::start`], on a connection of the caller's: in its transaction sagas start with
    /// whatever else it writes, and are to be adopted once that is committed.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn start_in(
        &self,
        connection: &mut PgConnection,
        runner: RunnerId,
        sagas: Vec<S>,
        decide_within: Duration,
    ) -> Result<Vec<Adopted<S>>, sqlx::Error> {
        let ids: Vec<Uuid> = sagas.iter().map(|saga| saga.id().0).collect();
        let bodies: Vec<Json<&S>> = sagas.iter().map(Json).collect();
        let started: Vec<(Uuid, Option<Uuid>)> = sqlx::query_as(
            "-- saga: start
            with carrier as (
                select r.runner
                from saga_log_runners r
                where r.definition = $1
                    and r.runner = $3
                for key share
            )
            insert into sagas (
                definition, saga_id, definition_version, state, body, deadline, runner, epoch,
                create_time, update_time
            )
            select
                $1, i.saga_id, $2, 1, i.body, now() + $4 * interval '1 millisecond',
                (select c.runner from carrier c), 1, now(), now()
            from unnest($5::uuid[], $6::jsonb[]) as i (saga_id, body)
            order by i.saga_id
            on conflict (definition, saga_id) do nothing
            returning saga_id, runner",
        )
        .bind(self.definition)
        .bind(self.version)
        .bind(runner.0)
        .bind(i64::try_from(decide_within.as_millis()).unwrap_or(i64::MAX))
        .bind(&ids)
        .bind(&bodies)
        .fetch_all(connection)
        .await?;
        let here: HashSet<Uuid> = started
            .into_iter()
            .filter(|(_, carrier)| *carrier == Some(runner.0))
            .map(|(id, _)| id)
            .collect();
        let adopted = sagas.into_iter().filter(|saga| here.contains(&saga.id().0));
        Ok(adopted
            .map(|saga| Adopted {
                saga: Box::new(saga),
                epoch: 1,
                remaining: decide_within,
            })
            .collect())
    }

    /// Whoever looks for a runner's sagas here finds them by the runner, so no mark is kept.
    async fn taken_over(&self, ids: &[Uuid]) -> Result<TakenOver<S>, LogUnreachable> {
        let stored = rows::load(&self.pool, self.definition, ids)
            .await
            .map_err(unreachable)?;
        Ok(TakenOver {
            sagas: stored.into_iter().map(rows::Stored::claimed).collect(),
            takeovers: 0,
        })
    }

    /// Records ends as [`Log::finish`] does, on a connection of the caller's: in its transaction they
    /// end with whatever else it writes. Gives those whose row was as presumed.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn finish_in(
        &self,
        connection: &mut PgConnection,
        entries: &[LogEntry<S>],
    ) -> Result<HashSet<SagaId>, sqlx::Error> {
        let ended = self.change(connection, rows::FINISH, entries).await?;
        Ok(ended.into_iter().map(SagaId).collect())
    }

    async fn change(
        &self,
        connection: impl PgExecutor<'_>,
        statement: &'static str,
        entries: &[LogEntry<S>],
    ) -> Result<HashSet<Uuid>, sqlx::Error> {
        let ids: Vec<Uuid> = entries.iter().map(|entry| entry.saga.id().0).collect();
        let epochs: Vec<i64> = entries.iter().map(|entry| entry.epoch).collect();
        let turned: Vec<bool> = entries.iter().map(|entry| entry.turned).collect();
        let states: Vec<i16> = entries
            .iter()
            .map(|entry| {
                if entry.refusal.is_some() {
                    COMPENSATED
                } else {
                    SUCCEEDED
                }
            })
            .collect();
        let refusals: Vec<Option<Json<&S::Refusal>>> = entries
            .iter()
            .map(|entry| entry.refusal.as_ref().map(Json))
            .collect();
        let bodies: Vec<Json<&S>> = entries.iter().map(|entry| Json(&*entry.saga)).collect();
        let changed: Vec<Uuid> = sqlx::query_scalar(statement)
            .bind(self.definition)
            .bind(&ids)
            .bind(&epochs)
            .bind(&turned)
            .bind(&states)
            .bind(&refusals)
            .bind(&bodies)
            .fetch_all(connection)
            .await?;
        Ok(changed.into_iter().collect())
    }

    fn answers(
        entries: &[LogEntry<S>],
        changed: &Result<HashSet<Uuid>, sqlx::Error>,
    ) -> Vec<Logged<()>> {
        let answer = |entry: &LogEntry<S>| match changed {
            Ok(changed) if changed.contains(&entry.saga.id().0) => Logged::Changed(()),
            Ok(_) => Logged::Stale,
            Err(error) => {
                tracing::warn!(%error, saga.id = %entry.saga.id(), "answer of the log lost");
                Logged::Lost
            }
        };
        entries.iter().map(answer).collect()
    }
}

fn unreachable(error: sqlx::Error) -> LogUnreachable {
    LogUnreachable(error.to_string())
}

impl<S> Log<S> for TableLog<S>
where
    S: Saga + Serialize + DeserializeOwned,
    S::Refusal: Serialize + DeserializeOwned,
{
    type Receipt = ();

    async fn turn(&self, entries: &[LogEntry<S>]) -> Vec<Logged<()>> {
        Self::answers(entries, &self.change(&self.pool, rows::TURN, entries).await)
    }

    async fn finish(&self, entries: &[LogEntry<S>]) -> Vec<Logged<()>> {
        Self::answers(
            entries,
            &self.change(&self.pool, rows::FINISH, entries).await,
        )
    }

    async fn read(&self, ids: &[SagaId]) -> Result<Vec<Row<S::Refusal>>, LogUnreachable> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        let stored = rows::load(&self.pool, self.definition, &ids)
            .await
            .map_err(unreachable)?;
        Ok(stored.into_iter().map(rows::Stored::row).collect())
    }

    async fn trouble(&self, troubles: &[Trouble]) -> Result<(), LogUnreachable> {
        rows::note(&self.pool, self.definition, troubles)
            .await
            .map_err(unreachable)
    }

    async fn claim(&self, runner: RunnerId, limit: usize) -> Result<TakenOver<S>, LogUnreachable> {
        let ids = takeover::claim(&self.pool, self.definition, self.version, runner, limit)
            .await
            .map_err(unreachable)?;
        self.taken_over(&ids).await
    }

    async fn carried(
        &self,
        runner: RunnerId,
        limit: usize,
    ) -> Result<TakenOver<S>, LogUnreachable> {
        let ids = takeover::carried(&self.pool, self.definition, runner, limit)
            .await
            .map_err(unreachable)?;
        self.taken_over(&ids).await
    }

    async fn unknown(&self) -> Result<u64, LogUnreachable> {
        let unknown = takeover::unknown(&self.pool, self.definition, self.version)
            .await
            .map_err(unreachable)?;
        Ok(unknown.unsigned_abs())
    }

    async fn release(&self, runner: RunnerId, ids: &[SagaId]) -> Result<(), LogUnreachable> {
        takeover::release(&self.pool, self.definition, runner, ids)
            .await
            .map_err(unreachable)
    }

    async fn beat(&self, runner: RunnerId, _sign: Sign) -> Result<(), LogUnreachable> {
        takeover::beat(&self.pool, self.definition, runner)
            .await
            .map_err(unreachable)
    }

    async fn beats(&self) -> Result<Vec<Beat>, LogUnreachable> {
        takeover::beats(&self.pool, self.definition)
            .await
            .map_err(unreachable)
    }

    async fn bury(&self, dead: &[RunnerId]) -> Result<u64, LogUnreachable> {
        takeover::bury(&self.pool, self.definition, dead)
            .await
            .map_err(unreachable)
    }
}
