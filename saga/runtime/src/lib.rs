//! The vectorised saga runner.
//!
//! The unit of execution is a batch of sagas at the same step, as a vectorised query engine runs a
//! batch of rows through an operator: one call to a participant serves hundreds of sagas. While one
//! batch is in flight the next collects, so a lone saga goes at once and a rush groups itself. A
//! batch has no identity; sagas regroup after every step.
//!
//! A definition is a list of [`Step`]s. The [`Log`] is a port with *start*, *turn*, *finish*,
//! *claim* and *trouble*; starting a saga is whatever inserts its row, followed by
//! [`Runner::adopt`]. What happens next in every case is [`saga_core::step`]'s decision.

mod definition;
mod lease;
mod log;
mod recovery;
mod runner;
mod saga;
mod table_log;
pub mod testkit;

pub use definition::Definition;
pub use lease::{Lease, LeaseSettings};
pub use log::{
    Beat, Claimed, Halt, Log, LogEntry, LogUnreachable, Logged, Noted, Row, Sign, TakenOver,
    Trouble,
};
pub use recovery::{Recovery, RecoverySettings};
pub use runner::{Adopted, InDoubt, Observer, Runner, RunnerSettings, Settled};
pub use saga::{Outcome, RunnerId, Saga, SagaId, Step, Undo};
pub use table_log::{TABLE_LOG_MIGRATOR, TableLog};
