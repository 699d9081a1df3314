//! Batches in flight: each a task of its own that calls a participant or the log with the sagas'
//! entries and brings them back with what came of each.

use std::sync::Arc;

use futures::FutureExt;
use saga_core::Event;
use tokio::sync::mpsc;

use super::super::{Answer, lane::Kind};
use crate::{Definition, Log, LogEntry, Logged, Row, RunnerId, Saga, SagaId, Trouble};

pub(super) enum Landing<S: Saga, R> {
    Batch(Landed<S, R>),
    /// Troubles that could not be written.
    Troubles(Vec<Trouble>),
    /// A batch panicked: its sagas are lost to this process.
    Crashed,
}

pub(super) struct Landed<S: Saga, R> {
    pub(super) lane: usize,
    pub(super) flight: u64,
    pub(super) keys: Vec<usize>,
    pub(super) entries: Vec<LogEntry<S>>,
    pub(super) answers: Vec<Answer<S>>,
    /// One per saga after a finish, else none.
    pub(super) receipts: Vec<Option<R>>,
}

type Answers<S, L> = (Vec<Answer<S>>, Vec<Option<<L as Log<S>>::Receipt>>);

pub(super) struct Flights<S: Saga, L: Log<S>> {
    runner: RunnerId,
    definition: Definition<S>,
    log: Arc<L>,
    landings: mpsc::UnboundedSender<Landing<S, L::Receipt>>,
    count: u64,
}

impl<S: Saga, L: Log<S>> Flights<S, L> {
    pub(super) fn new(
        runner: RunnerId,
        definition: Definition<S>,
        log: Arc<L>,
    ) -> (Self, mpsc::UnboundedReceiver<Landing<S, L::Receipt>>) {
        let (landings, receiver) = mpsc::unbounded_channel();
        (
            Self {
                runner,
                definition,
                log,
                landings,
                count: 0,
            },
            receiver,
        )
    }

    /// The number of the next batch to be sent off.
    pub(super) fn next_id(&self) -> u64 {
        self.count + 1
    }

    pub(super) fn send_off(
        &mut self,
        lane: usize,
        kind: Kind,
        keys: Vec<usize>,
        entries: Vec<LogEntry<S>>,
    ) {
        self.count += 1;
        let flight = self.count;
        let steps = &self.definition.steps;
        let log = Arc::clone(&self.log);
        let runner = self.runner;
        match kind {
            Kind::Run(index) => {
                let run = steps[usize::from(index)].run(entries);
                self.spawn(async move {
                    let (entries, answers) = run.await;
                    let receipts = Vec::new();
                    Landed {
                        lane,
                        flight,
                        keys,
                        entries,
                        answers,
                        receipts,
                    }
                });
            }
            Kind::Undo(index) => {
                let undo = steps[usize::from(index)].undo(entries);
                self.spawn(async move {
                    let (entries, answers) = undo.await;
                    let receipts = Vec::new();
                    Landed {
                        lane,
                        flight,
                        keys,
                        entries,
                        answers,
                        receipts,
                    }
                });
            }
            Kind::Turn | Kind::Finish | Kind::Read => self.spawn(async move {
                let (answers, receipts) = write(&*log, runner, kind, &entries).await;
                Landed {
                    lane,
                    flight,
                    keys,
                    entries,
                    answers,
                    receipts,
                }
            }),
        }
    }

    /// Writes troubles; those that could not be written come back.
    pub(super) fn write_troubles(&self, troubles: Vec<Trouble>) {
        let log = Arc::clone(&self.log);
        let landings = self.landings.clone();
        tokio::spawn(async move {
            let unwritten = match log.trouble(&troubles).await {
                Ok(()) => Vec::new(),
                Err(error) => {
                    tracing::warn!(error = error.0, "troubles not written yet");
                    troubles
                }
            };
            let _ = landings.send(Landing::Troubles(unwritten));
        });
    }

    fn spawn<F>(&self, flight: F)
    where
        F: Future<Output = Landed<S, L::Receipt>> + Send + 'static,
    {
        let landings = self.landings.clone();
        tokio::spawn(async move {
            let landed = std::panic::AssertUnwindSafe(flight).catch_unwind().await;
            // A runner that has stopped needs no answers: its sagas are others' by then.
            let _ = landings.send(landed.map_or(Landing::Crashed, Landing::Batch));
        });
    }
}

async fn write<S: Saga, L: Log<S>>(
    log: &L,
    runner: RunnerId,
    kind: Kind,
    entries: &[LogEntry<S>],
) -> Answers<S, L> {
    match kind {
        Kind::Turn => {
            let logged = log.turn(entries).await;
            assert_eq!(
                logged.len(),
                entries.len(),
                "a log gives one answer per entry"
            );
            (
                logged.into_iter().map(|answer| changed(answer).0).collect(),
                Vec::new(),
            )
        }
        Kind::Finish => {
            let logged = log.finish(entries).await;
            assert_eq!(
                logged.len(),
                entries.len(),
                "a log gives one answer per entry"
            );
            logged.into_iter().map(changed).unzip()
        }
        Kind::Read => (read(log, runner, entries).await, Vec::new()),
        Kind::Run(_) | Kind::Undo(_) => unreachable!("steps are not the log's"),
    }
}

fn changed<S: Saga, T>(logged: Logged<T>) -> (Answer<S>, Option<T>) {
    match logged {
        Logged::Changed(receipt) => (Answer::event(Event::Logged), Some(receipt)),
        Logged::Stale => (Answer::event(Event::Stale), None),
        Logged::Lost => (Answer::event(Event::LogUnknown), None),
        Logged::Impossible(error) => (
            Answer {
                error: Some(error),
                ..Answer::event(Event::Impossible)
            },
            None,
        ),
    }
}

async fn read<S: Saga, L: Log<S>>(
    log: &L,
    runner: RunnerId,
    entries: &[LogEntry<S>],
) -> Vec<Answer<S>> {
    let ids: Vec<SagaId> = entries.iter().map(|entry| entry.saga.id()).collect();
    let rows = match log.read(&ids).await {
        Ok(rows) => rows,
        Err(error) => {
            let lost = || Answer {
                error: Some(error.0.clone()),
                ..Answer::event(Event::LogUnknown)
            };
            return entries.iter().map(|_| lost()).collect();
        }
    };
    let rows: std::collections::HashMap<_, _> = rows.iter().map(|row| (row.id, row)).collect();
    let seen = entries
        .iter()
        .zip(ids)
        .map(|(entry, id)| seen(runner, entry, rows.get(&id).copied()));
    seen.collect()
}

fn seen<S: Saga>(
    runner: RunnerId,
    entry: &LogEntry<S>,
    row: Option<&Row<S::Refusal>>,
) -> Answer<S> {
    match row {
        None => Answer {
            error: Some("the saga's row is gone".to_owned()),
            ..Answer::event(Event::Impossible)
        },
        Some(row) if row.ended => Answer::event(Event::ReadEnded),
        Some(row) if row.runner != Some(runner) || row.epoch != entry.epoch => {
            Answer::event(Event::ReadTaken)
        }
        Some(row) => {
            let turned = row.turned.is_some();
            Answer {
                refusal: row.turned.clone(),
                ..Answer::event(Event::ReadMine { turned })
            }
        }
    }
}
