//! `holdfast-pg with -- COMMAND`: runs a command beside a PostgreSQL of its own.
//!
//! The rule: the command's end is the server's end, and the command's exit code is ours.

use std::{
    io::{self, Write as _},
    os::unix::process::ExitStatusExt,
    path::PathBuf,
    process::{ExitCode, ExitStatus},
};

use anyhow::Context as _;
use clap::Parser;
use holdfast_postgres::{
    BIN_VARIABLE, Binaries, Database, Databases, EMBEDDED_VARIABLE, Location, Options, ParentDeath,
    Server, Source, SourceArgs, testing::SERVER_VARIABLE,
};
use sqlx::{Connection as _, PgConnection, migrate::Migrator};
use tokio::signal::unix::{SignalKind, signal};

/// Runs a command beside a PostgreSQL that starts before it and stops after it.
#[derive(Parser)]
#[command(name = "holdfast-pg", version)]
enum Command {
    /// Sets HOLDFAST_{ORDER,INVENTORY,PAYMENT,PROVIDER}_DATABASE_URL (each as the role that owns
    /// the database), the same with AUDIT (as the role that may only read) and
    /// HOLDFAST_TEST_POSTGRES_URL (the superuser), and runs the command.
    With(With),
    /// Prints which binaries would be used.
    Find(SourceArgs),
}

#[derive(clap::Args)]
struct With {
    #[command(flatten)]
    source: SourceArgs,
    /// Keep the data in this directory, from one run to the next.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// What the server does when this process is killed.
    #[arg(long, value_enum, default_value_t)]
    parent_death: ParentDeath,
    /// Bring the four databases to the newest schema first.
    #[arg(long)]
    migrate: bool,
    /// The directory with order/, inventory/, payment/ and provider/.
    #[arg(long, value_name = "DIR", default_value = "migrations")]
    migrations: PathBuf,
    /// The command and its arguments.
    #[arg(last = true, required = true)]
    command: Vec<String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let result = match Command::parse() {
        Command::With(with) => run(&with).await,
        Command::Find(source) => find(source),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("holdfast-pg: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn find(source: SourceArgs) -> anyhow::Result<ExitCode> {
    let binaries = Binaries::find(&source.into(), None)?;
    writeln!(io::stdout(), "{binaries}")?;
    Ok(ExitCode::SUCCESS)
}

async fn run(with: &With) -> anyhow::Result<ExitCode> {
    // From here on a signal is the command's; when it ends, so do we.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;

    let options = Options {
        location: with
            .data_dir
            .clone()
            .map_or(Location::Ephemeral, Location::Kept),
        source: Source::from(with.source.clone()),
        port: None,
        parent_death: with.parent_death,
    };
    let server = Server::start(options).await?;
    let databases = Databases::prepare(&server).await?;
    if with.migrate {
        migrate(with, &databases).await?;
    }

    let (program, args) = with.command.split_first().context("there is no command")?;
    let mut command = tokio::process::Command::new(program);
    command
        .args(args)
        .env(SERVER_VARIABLE, databases.superuser());
    // Whatever starts a server of its own in there uses the same binaries.
    command
        .env(BIN_VARIABLE, server.binaries().dir())
        .env_remove(EMBEDDED_VARIABLE);
    for database in Database::ALL {
        command.env(database.variable(), databases.owner(database));
        command.env(database.audit_variable(), databases.audit(database));
    }
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot run {program}"))?;
    let status = loop {
        tokio::select! {
            status = child.wait() => break status?,
            // A terminal sends Ctrl-C to the command as well.
            _ = interrupt.recv() => {}
            _ = terminate.recv() => terminate_child(&child),
        }
    };
    server.stop().await?;
    Ok(exit_code(status))
}

async fn migrate(with: &With, databases: &Databases) -> anyhow::Result<()> {
    for database in Database::ALL {
        let directory = with.migrations.join(database.directory());
        let migrator = Migrator::new(directory.as_path())
            .await
            .with_context(|| format!("cannot read {}", directory.display()))?;
        let mut connection = PgConnection::connect(databases.owner(database)).await?;
        migrator
            .run(&mut connection)
            .await
            .with_context(|| format!("cannot migrate {}", database.name()))?;
        connection.close().await?;
    }
    Ok(())
}

fn terminate_child(child: &tokio::process::Child) {
    let pid = child
        .id()
        .and_then(|id| i32::try_from(id).ok())
        .and_then(rustix::process::Pid::from_raw);
    if let Some(pid) = pid {
        // It may have ended this moment; the wait tells.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
    }
}

/// As a shell has it: 128 and the number of the signal.
fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal));
    ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}
