//! What an order is, without the wire and without a database. It knows nobody.

mod cancel;
mod compare;
mod order;
mod placement;

pub(crate) use cancel::{Cancel, CancelItem, CancelPlan, Target, VersionMismatch, cancel};
pub(crate) use compare::differing_fields;
pub(crate) use order::{Allocation, Order, OrderState};
pub(crate) use placement::{
    Adjustment, AdjustmentKind, Capture, Line, OutOfRange, Placement, Priority, total_of,
};
