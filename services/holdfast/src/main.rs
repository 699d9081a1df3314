//! The executable: one command line, one verb a file.
//!
//! The rule: a verb says what it needs by flags and environment, runs, and gives its exit code;
//! what several verbs share is in the library beside this file.

mod audit;
mod bench;
mod cli;
mod dev;
mod migrate;
mod replay;
mod serve;

use std::process::ExitCode;

use clap::Parser as _;

use cli::{Cli, Verb};

/// An order allocates and frees some hundred small pieces on two threads; docs/PERFORMANCE.md says
/// what this allocator saves of that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let failed = match cli.verb {
        Verb::Audit(_) => audit::no_verdict(),
        _ => ExitCode::FAILURE,
    };
    match run(cli).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("holdfast: {}", sentence(&error));
            failed
        }
    }
}

async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    cli.telemetry.init()?;
    match cli.verb {
        Verb::Serve(args) => serve::run(args).await?,
        Verb::Migrate(args) => migrate::run(args).await?,
        Verb::Dev(args) => dev::run(args).await?,
        Verb::Replay(args) => replay::run(args).await?,
        Verb::Bench(args) => bench::run(args).await?,
        Verb::Audit(args) => return audit::run(args).await,
    }
    Ok(ExitCode::SUCCESS)
}

/// The chain of an error as one line; a cause that the message before it repeats is left out.
fn sentence(error: &anyhow::Error) -> String {
    let mut causes = error.chain().map(ToString::to_string);
    let first = causes.next().unwrap_or_default();
    causes.fold(first, |said, cause| match said.ends_with(&cause) {
        true => said,
        false => format!("{said}: {cause}"),
    })
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::sentence;

    #[test]
    fn each_cause_is_told_once() {
        let error = anyhow!("taken")
            .context("port 1: taken")
            .context("cannot start");
        assert_eq!(sentence(&error), "cannot start: port 1: taken");
    }
}
