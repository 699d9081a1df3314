//! The command line.
//!
//! The rule: whatever can be set is a flag with a sentence, and every flag has an environment
//! variable where a container would want one; `holdfast help VERB` shows both.

use clap::{Parser, Subcommand};

use crate::{audit, bench, dev, migrate, replay, serve};

/// Takes orders that never oversell: order, inventory and payment services, each with its own
/// database, and a saga that carries an order through them.
///
/// `holdfast dev` starts everything on this machine. `holdfast help VERB` explains every flag and
/// environment variable of a verb.
#[derive(Debug, Parser)]
#[command(name = "holdfast", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) telemetry: holdfast_kit::telemetry::Config,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Start everything on a private Postgres with sample stock, ready for grpcurl.
    Dev(dev::Args),
    /// Run one role, or all of them in one process, on databases that are there.
    Serve(serve::Args),
    /// Bring the databases to the schema of this binary.
    Migrate(migrate::Args),
    /// Place the orders of a real shop from a file.
    Replay(replay::Args),
    /// Measure how many orders a second are placed, and where the time goes.
    Bench(bench::Args),
    /// Check what must always be true, over all databases.
    Audit(audit::Args),
}
