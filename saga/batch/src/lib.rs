//! Many concurrent requests become one batch on one Postgres connection.
//!
//! A [`Writer`] is a handle and a task. The task owns its connection, so a caller that goes away
//! drops a reply and never a transaction. Nothing waits on a timer: while one batch is in flight
//! the next collects, so a lone request goes at once and a rush groups itself.

mod collector;
mod failure;
mod new_keys;
mod session;
mod writer;

pub use collector::Limits;
pub use failure::{WriteError, is_refused};
pub use new_keys::{NewKeys, key_is_taken};
pub use session::session_settings;
pub use writer::{Command, Writer};
