//! Scenarios that both a test and an acceptance run go through, each in its own size.
//!
//! The rule: a scenario says what it saw, with counts, or fails; whoever runs it adds nothing.

pub mod cancel;
pub mod crash;
pub mod oversell;
pub mod replicas;
