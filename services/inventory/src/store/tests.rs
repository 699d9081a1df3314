//! The commands on a real Postgres, each test in a database of its own. Every test ends with the
//! invariants, read by plain SQL.

mod allocations;
mod changes;
mod contention;
mod plans;
mod races;
mod replica;
mod replies;
