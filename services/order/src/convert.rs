//! The wire on one side, the domain on the other. Whatever is wrong with a request is collected with
//! its path, so that a caller learns all of it at once.

mod request;
mod response;

pub(crate) use request::{Asked, placement, states};
pub(crate) use response::{View, order};
