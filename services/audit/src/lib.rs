//! The auditor: checks the invariants by raw SQL over the three databases and the provider's ledger.
