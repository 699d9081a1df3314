//! The log port in memory, for sagas that can be cloned. It keeps the same promises as a database:
//! compare-and-set on (unfinished, epoch, turned), and an answer that is lost after the change.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    Adopted, Beat, Claimed, Log, LogEntry, LogUnreachable, Logged, Noted, Row, RunnerId, Saga,
    SagaId, Sign, TakenOver, Trouble,
};

/// A saga's row.
#[derive(Clone, Debug)]
pub struct MemoryRow<S: Saga> {
    /// What it was started with.
    pub saga: S,
    /// Whether it has ended.
    pub ended: bool,
    /// Who carries it.
    pub runner: Option<RunnerId>,
    /// Its epoch.
    pub epoch: i64,
    /// Why it turned or ended refused.
    pub refusal: Option<S::Refusal>,
    /// Whether it has turned.
    pub turned: bool,
    /// The latest trouble.
    pub trouble: Option<Trouble>,
}

impl<S: Saga + Clone> MemoryRow<S> {
    /// Neither ended nor halted.
    fn is_unfinished(&self) -> bool {
        let trouble = self.trouble.as_ref();
        !self.ended && trouble.is_none_or(|trouble| trouble.halt.is_none())
    }

    fn claimed(&self) -> Claimed<S> {
        let noted = self.trouble.as_ref();
        Claimed {
            id: self.saga.id(),
            saga: Ok(Box::new(self.saga.clone())),
            epoch: self.epoch,
            refusal: self.refusal.clone().filter(|_| self.turned),
            remaining: Duration::from_secs(30),
            noted: noted.and_then(|trouble| Noted::from_json(trouble.to_json())),
        }
    }
}

#[derive(Debug)]
struct Tables<S: Saga> {
    rows: HashMap<SagaId, MemoryRow<S>>,
    beats: HashMap<RunnerId, i64>,
    lose_answers: u32,
    lose_claims: u32,
    silent: HashSet<RunnerId>,
}

/// A log in memory.
#[derive(Debug)]
pub struct MemoryLog<S: Saga> {
    tables: Mutex<Tables<S>>,
}

impl<S: Saga> Default for MemoryLog<S> {
    fn default() -> Self {
        Self {
            tables: Mutex::new(Tables {
                rows: HashMap::new(),
                beats: HashMap::new(),
                lose_answers: 0,
                lose_claims: 0,
                silent: HashSet::new(),
            }),
        }
    }
}

impl<S: Saga + Clone> MemoryLog<S> {
    fn lock(&self) -> MutexGuard<'_, Tables<S>> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a saga that `runner` carries, or nobody; gives what to adopt.
    pub fn start(&self, saga: S, runner: Option<RunnerId>, remaining: Duration) -> Adopted<S> {
        let row = MemoryRow {
            saga: saga.clone(),
            ended: false,
            runner,
            epoch: 1,
            refusal: None,
            turned: false,
            trouble: None,
        };
        self.lock().rows.insert(saga.id(), row);
        Adopted {
            saga: Box::new(saga),
            epoch: 1,
            remaining,
        }
    }

    /// A saga's row.
    pub fn row(&self, id: SagaId) -> Option<MemoryRow<S>> {
        self.lock().rows.get(&id).cloned()
    }

    /// Has the next `count` turns and finishes make their change and lose their answer.
    pub fn lose_answers(&self, count: u32) {
        self.lock().lose_answers = count;
    }

    /// Has the next `count` claims make their change and lose their answer.
    pub fn lose_claims(&self, count: u32) {
        self.lock().lose_claims = count;
    }

    /// Has every further beat of `runner` fail, as if it were cut off.
    pub fn silence(&self, runner: RunnerId) {
        self.lock().silent.insert(runner);
    }

    /// Turns a saga from outside, as another process would that has taken it over.
    pub fn turn_from_outside(&self, id: SagaId, runner: RunnerId, refusal: S::Refusal) {
        if let Some(row) = self.lock().rows.get_mut(&id) {
            (row.runner, row.turned, row.refusal) = (Some(runner), true, Some(refusal));
            row.epoch += 1;
        }
    }

    fn change(&self, entry: &LogEntry<S>, apply: impl FnOnce(&mut MemoryRow<S>)) -> Logged<()> {
        let mut tables = self.lock();
        let Some(row) = tables.rows.get_mut(&entry.saga.id()) else {
            return Logged::Stale;
        };
        if row.ended || row.epoch != entry.epoch || row.turned != entry.turned {
            return Logged::Stale;
        }
        apply(row);
        if tables.lose_answers > 0 {
            tables.lose_answers -= 1;
            return Logged::Lost;
        }
        Logged::Changed(())
    }

    fn give_up(tables: &mut Tables<S>, which: impl Fn(&MemoryRow<S>) -> bool) -> u64 {
        let mut count = 0;
        for row in tables
            .rows
            .values_mut()
            .filter(|row| !row.ended && which(row))
        {
            row.runner = None;
            row.epoch += 1;
            count += 1;
        }
        count
    }
}

impl<S: Saga + Clone> Log<S> for MemoryLog<S> {
    type Receipt = ();

    async fn turn(&self, entries: &[LogEntry<S>]) -> Vec<Logged<()>> {
        let turn = |entry: &LogEntry<S>| {
            self.change(entry, |row| {
                row.turned = true;
                row.refusal.clone_from(&entry.refusal);
            })
        };
        entries.iter().map(turn).collect()
    }

    async fn finish(&self, entries: &[LogEntry<S>]) -> Vec<Logged<()>> {
        let finish = |entry: &LogEntry<S>| {
            self.change(entry, |row| {
                row.ended = true;
                row.refusal.clone_from(&entry.refusal);
                row.saga = (*entry.saga).clone();
            })
        };
        entries.iter().map(finish).collect()
    }

    async fn read(&self, ids: &[SagaId]) -> Result<Vec<Row<S::Refusal>>, LogUnreachable> {
        let tables = self.lock();
        let row = |id: &SagaId| {
            tables.rows.get(id).map(|row| Row {
                id: *id,
                ended: row.ended,
                runner: row.runner,
                epoch: row.epoch,
                turned: row.refusal.clone().filter(|_| row.turned),
            })
        };
        Ok(ids.iter().filter_map(row).collect())
    }

    async fn trouble(&self, troubles: &[Trouble]) -> Result<(), LogUnreachable> {
        let mut tables = self.lock();
        for trouble in troubles {
            if let Some(row) = tables.rows.get_mut(&trouble.id) {
                row.trouble = Some(trouble.clone());
            }
        }
        Ok(())
    }

    async fn claim(&self, runner: RunnerId, limit: usize) -> Result<TakenOver<S>, LogUnreachable> {
        let mut tables = self.lock();
        let free = tables
            .rows
            .values_mut()
            .filter(|row| row.is_unfinished() && row.runner.is_none());
        let claimed = free.take(limit).map(|row| {
            row.runner = Some(runner);
            row.epoch += 1;
            row.claimed()
        });
        let taken = TakenOver {
            sagas: claimed.collect(),
            takeovers: 0,
        };
        if tables.lose_claims > 0 {
            tables.lose_claims -= 1;
            return Err(LogUnreachable("the answer was lost".to_owned()));
        }
        Ok(taken)
    }

    async fn carried(
        &self,
        runner: RunnerId,
        limit: usize,
    ) -> Result<TakenOver<S>, LogUnreachable> {
        let tables = self.lock();
        let mine = tables
            .rows
            .values()
            .filter(|row| row.is_unfinished() && row.runner == Some(runner));
        Ok(TakenOver {
            sagas: mine.take(limit).map(MemoryRow::claimed).collect(),
            takeovers: 0,
        })
    }

    /// Every saga here is of the one definition.
    async fn unknown(&self) -> Result<u64, LogUnreachable> {
        Ok(0)
    }

    async fn release(&self, runner: RunnerId, ids: &[SagaId]) -> Result<(), LogUnreachable> {
        Self::give_up(&mut self.lock(), |row| {
            row.runner == Some(runner) && ids.contains(&row.saga.id())
        });
        Ok(())
    }

    async fn beat(&self, runner: RunnerId, _sign: Sign) -> Result<(), LogUnreachable> {
        let mut tables = self.lock();
        if tables.silent.contains(&runner) {
            return Err(LogUnreachable("cut off".to_owned()));
        }
        *tables.beats.entry(runner).or_insert(0) += 1;
        Ok(())
    }

    async fn beats(&self) -> Result<Vec<Beat>, LogUnreachable> {
        let tables = self.lock();
        Ok(tables
            .beats
            .iter()
            .map(|(runner, count)| Beat {
                runner: *runner,
                count: *count,
            })
            .collect())
    }

    async fn bury(&self, dead: &[RunnerId]) -> Result<u64, LogUnreachable> {
        let mut tables = self.lock();
        tables.beats.retain(|runner, _| !dead.contains(runner));
        Ok(Self::give_up(&mut tables, |row| {
            row.runner.is_some_and(|runner| dead.contains(&runner))
        }))
    }
}
