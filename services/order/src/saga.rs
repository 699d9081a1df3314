//! The sagas of the order service, one file each, run and undo side by side.

pub(crate) mod place;
