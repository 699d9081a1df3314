//! The saga engine's transition function.
//!
//! [`step`] takes a saga's shape, its state and what has happened, and gives the next state and the
//! one thing to do about it. Live execution and recovery both go through it, so what recovery does
//! is what was run before. There is no I/O, clock or randomness here to import.
//!
//! What the log holds: *start*, *turn* (the decision to compensate) and *finish* (the pivot, or the
//! end of compensation). A step's success is not logged: every participant gives its recorded
//! answer again, so recovery runs the saga from the start.

mod backoff;
mod shape;
mod state;
mod transition;

pub use backoff::Backoff;
pub use shape::{Shape, StepIndex};
pub use state::{After, Effect, Event, Phase, State};
pub use transition::step;
