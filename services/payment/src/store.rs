//! The payment database. Every write is a batch command on a connection of its own, keyed so that
//! it can be run again; payments are locked in (shard, payment_id) order, before their operations.

mod change;
mod intent;
mod load;
mod outcome;
mod read;
mod recovery;
mod row;
mod save;
#[cfg(test)]
mod tests;

pub(crate) use change::{Begin, Change, Changed, Changes};
pub use intent::KEY_AGE_MAX;
pub(crate) use intent::{IntentReply, Intents};
pub(crate) use outcome::{FirstAnswer, FirstAnswerReply, Outcomes};
pub(crate) use read::payment;
pub(crate) use recovery::{adopt, due};
