//! Between the wire and the domain. Everything from outside is checked here, each violation with
//! its path, before anything is bound or written.

mod answer;
mod request;

pub(crate) use answer::{operation, payment, result};
pub(crate) use request::{
    authorization, authorize_item, capture, method, payment_id, payment_id_bytes, refund,
};
