//! The writer: a handle that anybody may clone and a task that owns one connection. The task takes
//! a batch, executes it to an answer for each item, and only then takes the next.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use metrics::{Counter, Gauge, Histogram};
use sqlx::{PgConnection, postgres::PgConnectOptions};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

use crate::{
    collector::{Collector, Group, Limits},
    failure::WriteError,
};

mod execution;

/// One batch command on one Postgres connection.
pub trait Command: Send + Sync + 'static {
    /// What one request brings.
    type Item: Send + Sync + 'static;
    /// What one request gets.
    type Reply: Send + 'static;

    /// Names the command in metrics, logs and `application_name`.
    const NAME: &'static str;

    /// The unique constraint under which the command inserts its items' keys, if it presumes that
    /// they are new: a batch that breaks it is run again, and not searched for a bad item.
    const KEYS: Option<&'static str> = None;

    /// How much of the batch's line budget `item` takes.
    fn lines(_item: &Self::Item) -> usize {
        1
    }

    /// Executes one batch and gives one reply per item, in their order.
    ///
    /// It is run again whole when it lost against a concurrent transaction or its connection, and
    /// in halves when the database refused a value, so it has to be idempotent under its items'
    /// keys. It may run several statements, or a transaction.
    ///
    /// # Errors
    /// Whatever the database says; the writer knows what each class means.
    fn execute(
        &self,
        connection: &mut PgConnection,
        items: &[Self::Item],
    ) -> impl Future<Output = Result<Vec<Self::Reply>, sqlx::Error>> + Send;
}

type Answer<C> = Result<<C as Command>::Reply, WriteError>;

struct Submission<C: Command> {
    items: Vec<C::Item>,
    reply: oneshot::Sender<Vec<Answer<C>>>,
}

/// A handle to a writer's task; clones share it. When the last one is dropped the task executes
/// what it has and ends.
pub struct Writer<C: Command> {
    queue: mpsc::UnboundedSender<Group<Submission<C>>>,
    queued: Arc<AtomicUsize>,
    limits: Limits,
}

impl<C: Command> Clone for Writer<C> {
    fn clone(&self) -> Self {
        Self {
            queue: self.queue.clone(),
            queued: Arc::clone(&self.queued),
            limits: self.limits,
        }
    }
}

impl<C: Command> std::fmt::Debug for Writer<C> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Writer")
            .field("name", &C::NAME)
            .finish_non_exhaustive()
    }
}

impl<C: Command> Writer<C> {
    /// Starts the task. It connects when the first batch comes and again whenever it must.
    pub fn start(command: C, options: PgConnectOptions, limits: Limits) -> (Self, JoinHandle<()>) {
        let (queue, arrivals) = mpsc::unbounded_channel();
        let queued = Arc::new(AtomicUsize::new(0));
        let task = Task {
            collector: Collector::new(limits),
            arrivals,
            queued: Arc::clone(&queued),
            executor: execution::Executor::new(command, options),
            measures: Measures::new(C::NAME),
        };
        (
            Self {
                queue,
                queued,
                limits,
            },
            tokio::spawn(task.run()),
        )
    }

    /// Submits one item and waits for its reply.
    ///
    /// # Errors
    /// [`WriteError`]; only `Unavailable` leaves open whether the item was written.
    ///
    /// # Cancellation
    /// Dropping the future gives the item up if it is not in a batch yet; afterwards it drops the
    /// reply alone.
    pub async fn submit(&self, item: C::Item) -> Result<C::Reply, WriteError> {
        self.submit_all(vec![item])
            .await
            .pop()
            .unwrap_or(Err(WriteError::Closed))
    }

    /// Submits items that go together and waits for one reply each, in their order. Up to
    /// `items_max` of them share one transaction.
    ///
    /// # Cancellation
    /// As for [`Writer::submit`].
    pub async fn submit_all(&self, items: Vec<C::Item>) -> Vec<Result<C::Reply, WriteError>> {
        let count = items.len();
        if count == 0 {
            return Vec::new();
        }
        let before = self.queued.fetch_add(count, Ordering::Relaxed);
        if before + count > self.limits.queue_max && before > 0 {
            self.queued.fetch_sub(count, Ordering::Relaxed);
            return repeat(&WriteError::Full, count);
        }
        let mut waiting = Vec::with_capacity(1);
        let mut rest = items;
        while !rest.is_empty() {
            let tail = rest.split_off(rest.len().min(self.limits.items_max));
            let items = std::mem::replace(&mut rest, tail);
            waiting.push((items.len(), self.enqueue(items)));
        }
        let mut replies = Vec::with_capacity(count);
        for (count, answer) in waiting {
            match answer.await {
                Ok(answers) => replies.extend(answers),
                Err(_) => replies.extend(repeat(&WriteError::Closed, count)),
            }
        }
        replies
    }

    fn enqueue(&self, items: Vec<C::Item>) -> oneshot::Receiver<Vec<Answer<C>>> {
        let (reply, answer) = oneshot::channel();
        let lines = items.iter().map(C::lines).sum();
        let group = Group {
            items: items.len(),
            lines,
            content: Submission { items, reply },
        };
        if let Err(refused) = self.queue.send(group) {
            // The receiver sees its sender dropped and reports Closed.
            self.queued.fetch_sub(refused.0.items, Ordering::Relaxed);
        }
        answer
    }
}

pub(crate) fn repeat<T>(error: &WriteError, count: usize) -> Vec<Result<T, WriteError>> {
    (0..count).map(|_| Err(error.clone())).collect()
}

struct Task<C: Command> {
    collector: Collector<Submission<C>>,
    arrivals: mpsc::UnboundedReceiver<Group<Submission<C>>>,
    queued: Arc<AtomicUsize>,
    executor: execution::Executor<C>,
    measures: Measures,
}

impl<C: Command> Task<C> {
    async fn run(mut self) {
        while self.collect().await {
            let batch = self.take();
            if batch.is_empty() {
                continue;
            }
            self.execute(batch).await;
        }
        tracing::debug!(writer = C::NAME, "writer has stopped");
    }

    /// Waits until something waits, then takes up whatever has come. False: nobody can send more.
    async fn collect(&mut self) -> bool {
        if self.collector.is_empty() {
            match self.arrivals.recv().await {
                Some(group) => self.collector.push(group),
                None => return false,
            }
            // Callers that are ready to run get to join the batch; nothing waits on a timer.
            tokio::task::yield_now().await;
        }
        while !self.collector.is_full() {
            match self.arrivals.try_recv() {
                Ok(group) => self.collector.push(group),
                Err(_) => break,
            }
        }
        true
    }

    /// The next batch, without those whose callers have left.
    fn take(&mut self) -> Vec<Group<Submission<C>>> {
        let batch = self.collector.take();
        let items = batch.iter().map(|group| group.items).sum();
        let waiting = self.queued.fetch_sub(items, Ordering::Relaxed) - items;
        #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
        self.measures.waiting.set(waiting as f64);
        batch
            .into_iter()
            .filter(|group| !group.content.reply.is_closed())
            .collect()
    }

    async fn execute(&mut self, batch: Vec<Group<Submission<C>>>) {
        let mut items = Vec::with_capacity(batch.iter().map(|group| group.items).sum());
        let mut replies = Vec::with_capacity(batch.len());
        for group in batch {
            replies.push((group.items, group.content.reply));
            items.extend(group.content.items);
        }
        self.measures.batch(items.len());
        let mut answers = self.executor.execute(&items).await.into_iter();
        for (count, reply) in replies {
            // A caller that has left meanwhile needs no reply; what was written stays written.
            let _ = reply.send(answers.by_ref().take(count).collect());
        }
    }
}

/// What a writer counts, each with its name as label.
struct Measures {
    batches: Counter,
    rows: Counter,
    rows_per_batch: Histogram,
    waiting: Gauge,
}

impl Measures {
    fn new(name: &'static str) -> Self {
        Self {
            batches: metrics::counter!("holdfast_batches_total", "writer" => name),
            rows: metrics::counter!("holdfast_batch_rows_total", "writer" => name),
            rows_per_batch: metrics::histogram!("holdfast_batch_rows", "writer" => name),
            waiting: metrics::gauge!("holdfast_batch_waiting_items", "writer" => name),
        }
    }

    fn batch(&self, rows: usize) {
        self.batches.increment(1);
        self.rows.increment(rows as u64);
        #[expect(clippy::cast_precision_loss, reason = "a histogram takes floats")]
        self.rows_per_batch.record(rows as f64);
    }
}
