//! The cluster harness and what the tests that cross services share.
//!
//! The rule: a cluster is made of the released executable in processes of its own, so that each can
//! be killed alone, and everything that a test knows of it comes over the wire, from a database, or
//! from a process id. Whatever is started here is stopped here, however a test ends.

pub mod audit;
pub mod binary;
pub mod buf;
pub mod cluster;
pub mod dev;
pub mod eventually;
pub mod http;
pub mod ledger;
pub mod load;
pub mod orders;
pub mod payments;
pub mod placement;
pub mod ports;
pub mod postgres;
pub mod process;
pub mod refusal;
pub mod rows;
pub mod scenario;
pub mod shared;
pub mod stock;
pub mod verdict;
pub mod wire;
