//! The saga engine's transition function, without I/O, clock or randomness.
