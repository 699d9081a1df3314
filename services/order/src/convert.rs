//! The wire on one side, the domain on the other. Whatever is wrong with a request is collected with
//! its path, so that a caller learns all of it at once.

mod cancel;
mod request;
mod response;

pub(crate) use cancel::{AskedCancel, cancel};
pub(crate) use request::{Asked, placement, states};
pub(crate) use response::{View, cancel_plan, order};
