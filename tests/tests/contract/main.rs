//! What a caller of the public contract sees, over one process that has all roles.
//!
//! The rule: every test has SKUs and customers of its own and leaves none of its orders undecided;
//! after the last one every invariant is checked.

mod decision;
mod inputs;
mod listing;
mod locations;
mod placing;
mod platform;
mod replays;
mod streaming;
mod tokens;

use holdfast_tests::{cluster::Layout, shared::Shared};

static CLUSTER: Shared = Shared::new(Layout::all);
