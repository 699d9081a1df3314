//! Between the wire and the domain. Everything from outside is checked here, with the path of each
//! field that is wrong, before anything of it is bound or written.

pub(crate) mod allocation;
pub(crate) mod change;
pub(crate) mod refusal;
pub(crate) mod stock;
