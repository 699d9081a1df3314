//! Runs a private PostgreSQL on 127.0.0.1: finds the binaries, makes the cluster, starts and stops
//! it, and gives each service a login role and a database of its own.
//!
//! The rule: durability is never traded away. fsync, full_page_writes and synchronous_commit are
//! on, here as in production, so that what is tried and measured here is what runs.

mod binaries;
mod data_dir;
mod databases;
mod error;
mod identity;
mod initdb;
mod keeper;
mod leftovers;
mod postmaster;
mod server;
mod settings;
pub mod testing;
mod wheel;

pub use binaries::{BIN_VARIABLE, Binaries, EMBEDDED_VARIABLE, MAJOR_MIN, Source, SourceArgs};
pub use data_dir::Location;
pub use databases::{AUDIT_ROLE, Database, Databases};
pub use error::Error;
pub use keeper::ParentDeath;
pub use server::{ENVIRONMENT_FILE, Options, Server};
