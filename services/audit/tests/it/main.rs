//! The auditor against real databases: a small consistent world passes, and one bad row of any kind
//! is one finding of the predicate that it breaks.

mod plants;
mod service;
mod unreadable;
mod verdicts;
mod world;
