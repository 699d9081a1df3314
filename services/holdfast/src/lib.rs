//! What the executable, its benchmark and the tests bring up alike: the databases' schemas, the
//! roles in one process, and a whole cluster on a private Postgres.
//!
//! The rule: there is one way to start things. What is tried, tested and measured is what runs.

pub mod client;
pub mod cluster;
pub mod roles;
pub mod schema;
pub mod seed;
