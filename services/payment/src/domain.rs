//! A payment and what may be done with it, as a pure state machine: no clock, no database, no wire.
//! Its rule: money is reserved in the payment before the provider is asked, and moves in it only
//! with the provider's definite answer, so that 0 ≤ refunded ≤ captured ≤ authorized always holds.

mod authorize;
mod call;
mod change;
mod key;
mod operation;
mod outcome;
mod payment;
mod reverse;
mod settle;
#[cfg(test)]
mod tests;

pub use authorize::Authorization;
pub use call::{Action, Call, Captures, Decision, Decline, DeclineKind, Provider};
pub use change::{Capture, Refund};
pub use key::ProviderKey;
pub use operation::{Method, Operation, OperationId, Progress, State, Terms};
pub use outcome::{Begun, Moved, Outcome};
pub use payment::{Amounts, InFlight, OPERATIONS_MAX, Payment};
pub use reverse::REVERSAL;
