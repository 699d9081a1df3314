//! `holdfast audit`: checks what must always be true.
//!
//! The rule: only PASS is success. The exit code is 0 for PASS, 1 for FAIL and 2 for UNKNOWN, so
//! that a script cannot take the one for the other. An auditor that gave no verdict is UNKNOWN.

use std::{
    fmt::Display,
    io::{self, Write as _},
    process::ExitCode,
    time::Duration,
};

use holdfast::client;
use holdfast_audit::{Config, Finding, PredicateId, REST_WAIT_DEFAULT, Urls, Verdict};

/// What to audit.
///
/// With the databases' URLs it reads them itself; without any it asks the auditor of a running
/// Holdfast, such as that of `holdfast dev`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    urls: Urls,
    /// Where a running auditor answers; used where no database URL is given, and then at rest
    #[arg(
        long,
        env = "HOLDFAST_AUDIT_ADDRESS",
        value_name = "HOST:PORT",
        default_value = "127.0.0.1:50054"
    )]
    address: String,
    /// Check only these predicates, such as I1,P3
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    only: Vec<PredicateId>,
    /// Also check what holds at rest, and wait for rest first
    #[arg(long)]
    at_rest: bool,
    /// How many seconds to wait for rest
    #[arg(long, value_name = "SECONDS", default_value_t = REST_WAIT_DEFAULT.as_secs())]
    rest_wait: u64,
}

pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Urls {
        order,
        inventory,
        payment,
        provider,
    } = &args.urls;
    if [order, inventory, payment, provider]
        .into_iter()
        .all(Option::is_none)
    {
        anyhow::ensure!(
            args.only.is_empty(),
            "--only needs the databases' URLs; a running auditor is asked for everything"
        );
        let audit = client::audit::audit(&args.address).await?;
        print(&audit);
        return Ok(match audit.verdict() {
            "PASS" => ExitCode::SUCCESS,
            "FAIL" => ExitCode::from(1),
            _ => no_verdict(),
        });
    }
    let config = Config {
        predicates: args.only,
        at_rest: args.at_rest,
        rest_wait_max: Duration::from_secs(args.rest_wait),
        ..Config::new(args.urls)
    };
    let report = holdfast_audit::audit(config, print_finding).await;
    print(&report);
    Ok(match report.verdict {
        Verdict::Pass => ExitCode::SUCCESS,
        Verdict::Fail => ExitCode::from(1),
        Verdict::Unknown => no_verdict(),
    })
}

/// The exit code of an audit that tells neither PASS nor FAIL, whatever stood in its way.
pub(crate) fn no_verdict() -> ExitCode {
    ExitCode::from(2)
}

fn print(verdict: &impl Display) {
    // A reader that has gone has the verdict in the exit code.
    let _ = writeln!(io::stdout(), "{verdict}");
}

fn print_finding(finding: Finding) {
    let mut stdout = io::stdout();
    // A reader that has gone has the verdict in the exit code.
    let _ = writeln!(stdout, "{}  {}", finding.predicate, finding.message);
    for row in finding.rows {
        let columns: Vec<_> = row
            .columns
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let _ = writeln!(
            stdout,
            "      {}.{}: {}",
            row.source,
            row.table,
            columns.join(" ")
        );
    }
}
