//! Where decisions meet Postgres: reads the facts under the locks, has the domain decide, writes
//! what it decided, all in one transaction of a batch.
//!
//! Order of locks, everywhere: stock rows by (sku, location_id), then SKUs by name, then new keys
//! in their order. Whoever finds a key taken rolls back, reads it and runs the batch again.

mod allocate;
mod change;
mod columns;
mod held;
mod lock;
mod read;
mod records;
mod release;
mod transaction;
mod wanted;

pub(crate) use allocate::AllocateBatch;
pub(crate) use change::ChangeBatch;
pub(crate) use held::HeldRows;
pub(crate) use read::Reader;
pub(crate) use release::ReleaseBatch;

#[cfg(test)]
mod tests;
