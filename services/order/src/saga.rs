//! The sagas of the order service, one file each, run and undo side by side.

pub(crate) mod cancel;
mod participant;
pub(crate) mod place;
