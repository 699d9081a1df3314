//! The payment service over the simulated provider, both on real databases, as its callers meet it:
//! over gRPC. Every test ends with the money laws checked in SQL against the provider's ledger.
#![expect(clippy::unwrap_used, reason = "a panic in a test is its report")]

mod batches;
mod concurrency;
mod contract;
mod money;
mod recovery;
mod support;
mod tokens;
