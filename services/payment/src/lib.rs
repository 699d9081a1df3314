//! The payment service: moves money at a provider, each operation once, and undoes it.
//!
//! Its rules: an intent, with the provider's key, is committed before the provider is asked, and
//! counts as sent; silence is never taken for a no; and whoever asks again, under the same key,
//! gets the same answer.

mod api;
mod config;
mod convert;
pub mod domain;
mod drive;
pub mod gateway;
mod start;
mod store;

pub use api::ITEMS_MAX;
pub use config::Config;
pub use start::start;
pub use store::KEY_AGE_MAX;

/// The schema of the payment database.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("../../migrations/payment");
