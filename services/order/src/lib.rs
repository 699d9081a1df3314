//! The order service: takes orders and carries each through its saga.
//!
//! `api` and `convert` see the wire, `domain` knows nobody, `store` knows `domain`, and `saga` has
//! the sagas, one file each.

mod api;
mod backlog;
mod canceller;
mod config;
mod convert;
mod decisions;
mod domain;
mod placer;
mod saga;
mod start;
mod store;

pub use config::Config;
pub use start::start;

/// The schema of the order database.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("../../migrations/order");
