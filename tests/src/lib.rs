//! The cluster harness and the tests that cross services.
