//! What a caller of the public contract sees, over one process that has all roles.
//!
//! The rule: every test has SKUs and customers of its own and leaves none of its orders undecided;
//! after the last one every invariant is checked.

mod cancelling;
mod decision;
mod inputs;
mod listing;
mod locations;
mod placing;
mod platform;
mod replays;
mod streaming;
mod tokens;
mod traces;

use holdfast_tests::{cluster::Layout, shared::Shared};

static CLUSTER: Shared = Shared::new(|| {
    // What the sagas log of a traced order.
    Layout::all().with("HOLDFAST_LOG", "info,holdfast_order::saga=debug")
});
