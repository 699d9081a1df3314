//! Executes one batch to an answer for every item, whatever the database does meanwhile: runs it
//! again, on a new connection or in halves, within named limits.

use std::{ops::Range, time::Duration};

use metrics::Counter;
use sqlx::{ConnectOptions, PgConnection, postgres::PgConnectOptions};
use tokio::time::{Instant, sleep, timeout};

use super::{Answer, Command, repeat};
use crate::{
    failure::{Treatment, UNIQUE_VIOLATION, WriteError, treatment},
    session::session_settings,
};

/// A batch that loses so often against others is given up as not known; its callers ask again.
const RERUNS_MAX: u32 = 20;
/// A batch whose keys are taken so often before it can insert them is searched for the one at fault.
const OVERTAKEN_MAX: u32 = 5;
/// A batch whose database stays away for so long is given up as not known.
const RECONNECT_FOR: Duration = Duration::from_secs(5);
/// The pause before a lost connection is made again, doubled each time up to the second.
const RECONNECT_PAUSE: (Duration, Duration) =
    (Duration::from_millis(20), Duration::from_millis(500));
/// A server that does not finish the start of a session within this is not reached.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// A batch that has no answer by then has lost its connection, whatever the socket says. Longer
/// than the server's statement timeout.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);

pub(super) struct Executor<C: Command> {
    command: C,
    options: PgConnectOptions,
    connection: Option<PgConnection>,
    reruns: Counter,
    reconnects: Counter,
    bisections: Counter,
}

/// What came of trying one range of a batch.
enum Tried<R> {
    Replies(Vec<R>),
    Bad {
        sqlstate: String,
        constraint: Option<String>,
    },
    GivenUp(WriteError),
}

impl<C: Command> Executor<C> {
    pub(super) fn new(command: C, options: PgConnectOptions) -> Self {
        Self {
            command,
            options: session_settings(options, C::NAME),
            connection: None,
            reruns: metrics::counter!("holdfast_batch_reruns_total", "writer" => C::NAME),
            reconnects: metrics::counter!("holdfast_batch_reconnects_total", "writer" => C::NAME),
            bisections: metrics::counter!("holdfast_batch_bisections_total", "writer" => C::NAME),
        }
    }

    /// Gives one answer per item, in their order.
    pub(super) async fn execute(&mut self, items: &[C::Item]) -> Vec<Answer<C>> {
        let mut answers: Vec<Answer<C>> = Vec::with_capacity(items.len());
        // Ranges still to do, the first one last; each is either done or halved.
        let mut ranges: Vec<Range<usize>> = std::iter::once(0..items.len()).collect();
        while let Some(range) = ranges.pop() {
            let slice = &items[range.clone()];
            match self.attempt(slice).await {
                Tried::Replies(replies) => {
                    assert_eq!(
                        replies.len(),
                        slice.len(),
                        "a command gives one reply per item"
                    );
                    answers.extend(replies.into_iter().map(Ok));
                }
                Tried::Bad {
                    sqlstate,
                    constraint,
                } if slice.len() == 1 => {
                    tracing::warn!(writer = C::NAME, sqlstate, constraint, "item refused");
                    answers.push(Err(WriteError::Rejected {
                        sqlstate,
                        constraint,
                    }));
                }
                Tried::Bad { .. } => {
                    self.bisections.increment(1);
                    let middle = range.start + range.len() / 2;
                    ranges.push(middle..range.end);
                    ranges.push(range.start..middle);
                }
                Tried::GivenUp(error) => answers.extend(repeat(&error, slice.len())),
            }
        }
        answers
    }

    async fn attempt(&mut self, items: &[C::Item]) -> Tried<C::Reply> {
        let (mut reruns, mut overtaken) = (0, 0);
        let mut pause = RECONNECT_PAUSE.0;
        let give_up = Instant::now() + RECONNECT_FOR;
        loop {
            let error = match self.run(items).await {
                Ok(replies) => return Tried::Replies(replies),
                Err(error) => error,
            };
            match treatment(&error) {
                Treatment::Bisect {
                    sqlstate,
                    constraint,
                } if sqlstate == UNIQUE_VIOLATION
                    && C::KEYS.is_some_and(|keys| constraint.as_deref() == Some(keys))
                    && overtaken < OVERTAKEN_MAX =>
                {
                    overtaken += 1;
                    self.reruns.increment(1);
                    self.roll_back().await;
                }
                Treatment::Bisect {
                    sqlstate,
                    constraint,
                } => {
                    self.roll_back().await;
                    return Tried::Bad {
                        sqlstate,
                        constraint,
                    };
                }
                Treatment::Rerun if reruns < RERUNS_MAX => {
                    reruns += 1;
                    self.reruns.increment(1);
                    self.roll_back().await;
                }
                Treatment::Reconnect if Instant::now() < give_up => {
                    tracing::debug!(writer = C::NAME, %error, "connection lost");
                    self.reconnects.increment(1);
                    self.connection = None;
                    sleep(pause).await;
                    pause = (pause * 2).min(RECONNECT_PAUSE.1);
                }
                Treatment::Rerun | Treatment::Reconnect => {
                    tracing::warn!(writer = C::NAME, %error, "batch given up, outcome not known");
                    self.connection = None;
                    return Tried::GivenUp(WriteError::Unavailable);
                }
                Treatment::GiveUp { sqlstate } => {
                    tracing::error!(writer = C::NAME, %error, "statement refused");
                    self.roll_back().await;
                    return Tried::GivenUp(WriteError::Rejected {
                        sqlstate,
                        constraint: None,
                    });
                }
            }
        }
    }

    async fn run(&mut self, items: &[C::Item]) -> Result<Vec<C::Reply>, sqlx::Error> {
        let timed_out = || sqlx::Error::Io(std::io::ErrorKind::TimedOut.into());
        let connection = match self.connection.as_mut() {
            Some(connection) => connection,
            None => {
                let connecting = self.options.connect();
                let connection = timeout(CONNECT_TIMEOUT, connecting)
                    .await
                    .map_err(|_| timed_out())??;
                self.connection.insert(connection)
            }
        };
        timeout(ANSWER_TIMEOUT, self.command.execute(connection, items))
            .await
            .map_err(|_| timed_out())?
    }

    /// Leaves whatever transaction the failed command was in; a session that can't is dropped.
    async fn roll_back(&mut self) {
        if let Some(connection) = self.connection.as_mut()
            && sqlx::raw_sql("rollback").execute(connection).await.is_err()
        {
            self.connection = None;
        }
    }
}
