//! The simulated payment provider: somebody else's system, with a ledger in a database of its own.
//!
//! It commits before it replies, does at most one thing per idempotency key, for ever, and obeys
//! the tokens that stand for payment methods, so that anyone can rehearse failure. It shares no
//! connection, no transaction and no table with the payment service; they meet at the gateway port.

mod answer;
mod config;
mod entry;
mod provider;
mod store;
mod token;

pub use config::Config;
pub use provider::SimulatedProvider;
pub use token::{ATTEMPTS_MAX, SLOW_MAX, TIME_OUT, Token};

/// The schema of the provider's database.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("../../migrations/provider");
