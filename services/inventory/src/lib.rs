//! The inventory service: stock that is never oversold.
//!
//! `api` and `convert` see the wire, `domain` decides and knows nobody, `store` reads the facts
//! under locks, has the domain decide and writes what it decided.

mod api;
mod convert;
mod domain;
mod serve;
mod store;

pub use holdfast_kit::bootstrap::{Running, StartError};
pub use serve::{Config, start};

/// The schema of the inventory database.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("../../migrations/inventory");
