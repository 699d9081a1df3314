//! The auditor: proves by raw SQL over the three databases and the simulated provider's ledger that
//! stock and money add up.
//!
//! The rule: it shares no code with what it checks. Only [`serve`] and `api`, which put it behind
//! gRPC, know another crate of this workspace. It reads alone, in read-only sessions.
//!
//! Every predicate has an id and a [`Mode`]. One bad row gives one finding: a predicate looks away
//! where another one that runs has reported the same row, and the modules say which.

mod api;
mod audit;
mod blame;
mod config;
mod database;
mod feed;
mod finding;
mod keys;
mod money;
mod orders;
mod predicate;
mod report;
mod rest;
mod serve;
mod stock;
mod sweep;
mod tally;

pub use audit::audit;
pub use config::{Config, REST_WAIT_DEFAULT, Urls};
pub use finding::{Finding, ROWS_MAX, Row, Source};
pub use predicate::{Mode, PredicateId, UnknownPredicate};
pub use report::{PredicateResult, Report, Verdict};
pub use serve::{ServeConfig, start};
pub use tally::FINDINGS_SENT_MAX;
