//! The log port of the order saga: its log is columns of the order row, so that a happy order costs
//! one insert and one update.

use holdfast_kit::{
    id::OrderId,
    refusal::{Reason, Refusal},
};
use saga_batch::{Limits, WriteError, Writer};
use saga_runtime::{
    Beat, Log, LogEntry, LogUnreachable, Logged, Row, RunnerId, SagaId, Sign, TakenOver, Trouble,
};
use sqlx::{PgPool, postgres::PgConnectOptions};
use tokio::task::JoinHandle;

pub(crate) use super::finish::Receipt;
use super::{
    finish::{End, Finish, FinishItem},
    load::{self, Stored},
    recovery, trouble,
    turn::{Turn, TurnItem},
};
use crate::saga::place::Placing;

/// The order rows as a saga log.
#[derive(Debug)]
pub(crate) struct OrderLog {
    finish: Writer<Finish>,
    turn: Writer<Turn>,
    /// For what is rare: reading rows again, takeover, troubles.
    pool: PgPool,
    /// For signs of life alone: nothing else may make one late.
    beats: PgPool,
}

impl OrderLog {
    /// Starts the writers of turn and finish; what is rare goes through `pool`, signs of life through
    /// `beats`. Gives the writers' tasks, which end when the log is dropped.
    #[must_use]
    pub(crate) fn start(
        options: &PgConnectOptions,
        pool: PgPool,
        beats: PgPool,
    ) -> (Self, Vec<JoinHandle<()>>) {
        let (finish, finishing) = Writer::start(Finish, options.clone(), Limits::default());
        let (turn, turning) = Writer::start(Turn, options.clone(), Limits::default());
        (
            Self {
                finish,
                turn,
                pool,
                beats,
            },
            vec![finishing, turning],
        )
    }
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("strings and integers always serialize")
}

fn logged<T>(written: Result<Option<T>, WriteError>) -> Logged<T> {
    match written {
        Ok(Some(receipt)) => Logged::Changed(receipt),
        Ok(None) => Logged::Stale,
        Err(WriteError::Unavailable | WriteError::Full | WriteError::Closed) => Logged::Lost,
        Err(WriteError::Rejected {
            sqlstate,
            constraint,
        }) => Logged::Impossible(format!(
            "the database refuses the end of the order: {sqlstate} {}",
            constraint.unwrap_or_default()
        )),
    }
}

pub(super) fn unreachable(error: &sqlx::Error) -> LogUnreachable {
    LogUnreachable(error.to_string())
}

impl Log<Placing> for OrderLog {
    type Receipt = Receipt;

    async fn turn(&self, entries: &[LogEntry<Placing>]) -> Vec<Logged<()>> {
        let items = entries.iter().map(|entry| {
            let refusal = entry.refusal.as_ref().expect("what turns says why");
            TurnItem {
                id: entry.saga.order_id,
                epoch: entry.epoch,
                reason: i16::try_from(i32::from(refusal.reason)).unwrap_or(i16::MAX),
                rejection: json(refusal),
            }
        });
        let written = self.turn.submit_all(items.collect()).await;
        written
            .into_iter()
            .map(|turned| logged(turned.map(|turned| turned.then_some(()))))
            .collect()
    }

    async fn finish(&self, entries: &[LogEntry<Placing>]) -> Vec<Logged<Receipt>> {
        let items = entries.iter().map(|entry| {
            let end = match &entry.refusal {
                None => End::Confirmed,
                Some(refusal) if refusal.reason == Reason::Cancelled => End::Cancelled,
                Some(_) => End::Rejected,
            };
            let confirmed = end == End::Confirmed;
            let allocations = entry.saga.allocations.as_ref().filter(|_| confirmed);
            FinishItem {
                id: entry.saga.order_id,
                epoch: entry.epoch,
                turned: entry.turned,
                end,
                rejection: entry.refusal.as_ref().map(json),
                allocations: allocations.map(json),
                captured_minor_units: if confirmed {
                    entry.saga.captured_minor_units
                } else {
                    0
                },
            }
        });
        self.finish
            .submit_all(items.collect())
            .await
            .into_iter()
            .map(logged)
            .collect()
    }

    async fn read(&self, ids: &[SagaId]) -> Result<Vec<Row<Refusal>>, LogUnreachable> {
        let ids: Vec<OrderId> = ids.iter().map(|id| OrderId::from_uuid(id.0)).collect();
        let mut connection = self
            .pool
            .acquire()
            .await
            .map_err(|error| unreachable(&error))?;
        let stored = load::by_id(&mut connection, &ids)
            .await
            .map_err(|error| unreachable(&error))?;
        Ok(stored.into_iter().map(row).collect())
    }

    async fn trouble(&self, troubles: &[Trouble]) -> Result<(), LogUnreachable> {
        trouble::write(&self.pool, troubles)
            .await
            .map_err(|error| unreachable(&error))
    }

    async fn claim(
        &self,
        runner: RunnerId,
        limit: usize,
    ) -> Result<TakenOver<Placing>, LogUnreachable> {
        recovery::claim(&self.pool, runner, limit)
            .await
            .map_err(|error| unreachable(&error))
    }

    async fn carried(
        &self,
        runner: RunnerId,
        limit: usize,
    ) -> Result<TakenOver<Placing>, LogUnreachable> {
        recovery::carried(&self.pool, runner, limit)
            .await
            .map_err(|error| unreachable(&error))
    }

    async fn unknown(&self) -> Result<u64, LogUnreachable> {
        let unknown = recovery::unknown(&self.pool)
            .await
            .map_err(|error| unreachable(&error))?;
        Ok(unknown.unsigned_abs())
    }

    async fn release(&self, runner: RunnerId, ids: &[SagaId]) -> Result<(), LogUnreachable> {
        recovery::release(&self.pool, runner, ids)
            .await
            .map_err(|error| unreachable(&error))
    }

    async fn beat(&self, runner: RunnerId, sign: Sign) -> Result<(), LogUnreachable> {
        recovery::beat(&self.beats, runner, sign)
            .await
            .map_err(|error| unreachable(&error))
    }

    async fn beats(&self) -> Result<Vec<Beat>, LogUnreachable> {
        recovery::beats(&self.pool)
            .await
            .map_err(|error| unreachable(&error))
    }

    async fn bury(&self, dead: &[RunnerId]) -> Result<u64, LogUnreachable> {
        recovery::bury(&self.pool, dead)
            .await
            .map_err(|error| unreachable(&error))
    }
}

fn row(stored: Stored) -> Row<Refusal> {
    let turned = stored.turned.then(|| match &stored.order {
        Ok(order) => order.rejection.clone(),
        Err(_) => None,
    });
    Row {
        id: SagaId(stored.id.as_uuid()),
        ended: stored.ended,
        runner: stored.runner,
        epoch: stored.epoch,
        turned: turned.flatten(),
    }
}
