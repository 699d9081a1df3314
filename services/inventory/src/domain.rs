//! The decisions of the inventory service as pure functions: what an order gets, what comes back,
//! what a change does to a shelf. No clock, no database, no wire; whoever calls reads the facts
//! under the locks first and writes what was decided in the same transaction.

pub(crate) mod adjust;
pub(crate) mod allocation;
pub(crate) mod change;
pub(crate) mod line;
pub(crate) mod names;
pub(crate) mod record;
pub(crate) mod release;
pub(crate) mod shelf;
pub(crate) mod stock;
