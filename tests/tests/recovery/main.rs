//! Processes and Postgres die, pause and stop, and every order is decided all the same.
//!
//! The rule: each test has a cluster of its own, because it breaks it, and they take turns, because
//! what they measure is time.

mod campaign;
mod drain;
mod reads;
mod turned;
mod zombie;

use tokio::sync::Mutex;

/// Held by the test whose turn it is.
static TURN: Mutex<()> = Mutex::const_new(());
