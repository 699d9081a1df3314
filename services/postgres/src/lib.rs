//! Finds Postgres binaries and runs a private cluster on 127.0.0.1.
