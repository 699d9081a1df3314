//! A real shop's invoices, placed as orders.
//!
//! The rule: what was placed is said in the verdict, and the invented sample is never taken for the
//! real one.

use std::{
    path::{Path, PathBuf},
    process::{ExitCode, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use holdfast_tests::{
    cluster::{Cluster, Layout},
    verdict::{conclude, say},
};

/// The folder that may have the real sample.
const FOLDER_VARIABLE: &str = "HOLDFAST_SAMPLE_DATA";
const REAL: &str = "online_retail_2010-12.csv.gz";
/// An invented one of the same shape.
const INVENTED: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../services/holdfast/samples/retail.csv"
);
/// What is known of the real one.
const REAL_COUNTS: Counts = Counts {
    not_cancelled: 469,
    sellable: 424,
    guests: 23,
    cancelled: 43,
};
/// What is known of the invented one.
const INVENTED_COUNTS: Counts = Counts {
    not_cancelled: 13,
    sellable: 10,
    guests: 3,
    cancelled: 2,
};
/// How long the sample may take, its audit included.
const WITHIN: Duration = Duration::from_secs(10);
/// How long to wait for it before giving up.
const GIVE_UP_AFTER: Duration = Duration::from_secs(120);

#[tokio::main]
async fn main() -> ExitCode {
    conclude("replay", show().await)
}

/// A file of invoices, and what is known of it.
struct Sample {
    path: PathBuf,
    counts: Counts,
    /// How the verdict calls it.
    name: &'static str,
}

/// Invoices of a file, by kind.
#[derive(Debug, PartialEq, Eq)]
struct Counts {
    not_cancelled: usize,
    /// Those of them with a line that can be sold: the orders.
    sellable: usize,
    /// Those of them that name no customer.
    guests: usize,
    cancelled: usize,
}

impl Sample {
    /// The real one if a folder is named, which then has to have it; else the invented one.
    fn find() -> anyhow::Result<Sample> {
        let folder = std::env::var_os(FOLDER_VARIABLE).filter(|folder| !folder.is_empty());
        let Some(folder) = folder else {
            return Ok(Sample {
                path: INVENTED.into(),
                counts: INVENTED_COUNTS,
                name: "on the invented sample; set HOLDFAST_SAMPLE_DATA for the real one",
            });
        };
        let path = PathBuf::from(folder).join(REAL);
        ensure!(path.is_file(), "{FOLDER_VARIABLE} has no {REAL}");
        Ok(Sample {
            path,
            counts: REAL_COUNTS,
            name: "on the real sample",
        })
    }
}

impl Counts {
    /// Reads them from the summary of a replay.
    fn read(said: &str) -> anyhow::Result<Counts> {
        Ok(Counts {
            not_cancelled: number_before(said, " not C, ")?,
            sellable: number_before(said, " of them with a line that can be sold")?,
            guests: number_before(said, " of those from guests")?,
            cancelled: number_before(said, " C with ")?,
        })
    }
}

async fn show() -> anyhow::Result<String> {
    let sample = Sample::find()?;
    let cluster = Cluster::start(Layout::all()).await?;
    let begun = Instant::now();
    let said = replay(&cluster, &sample.path).await?;
    let took = begun.elapsed();
    ensure!(took <= WITHIN, "it took {:.1} s", took.as_secs_f64());

    let (found, known) = (Counts::read(&said)?, &sample.counts);
    ensure!(found == *known, "{found:?}, but it has {known:?}");
    let (placed, confirmed) = (
        number_before(&said, " placed, ")?,
        number_before(&said, " CONFIRMED")?,
    );
    ensure!(
        placed == known.sellable && confirmed == placed,
        "{confirmed} of {placed} are CONFIRMED, of {} sellable invoices",
        known.sellable
    );
    let audit = said.lines().find(|line| line.starts_with("audit"));
    let audit = audit.context("no audit in the summary")?.to_owned();
    ensure!(audit.starts_with("audit PASS"), "{audit}");
    cluster.finish().await?;
    let Counts {
        not_cancelled,
        sellable,
        guests,
        cancelled,
    } = found;
    Ok(format!(
        "{confirmed} of {sellable} sellable invoices CONFIRMED ({guests} from guests, of \
         {not_cancelled} that are not C, and {cancelled} C) in {:.1} s; {audit}; {}",
        took.as_secs_f64(),
        sample.name,
    ))
}

/// Replays a file, and gives what was said of it.
async fn replay(cluster: &Cluster, file: &Path) -> anyhow::Result<String> {
    let addresses = [
        format!("--order={}", cluster.order_address(0).grpc),
        format!("--inventory={}", cluster.inventory_address().grpc),
        format!("--audit={}", cluster.audit_address().grpc),
    ];
    let output = tokio::process::Command::new(cluster.binary())
        .arg("replay")
        .arg(file)
        .args(addresses)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(GIVE_UP_AFTER, output)
        .await
        .context("it does not end")??;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    say(said.trim_end());
    ensure!(
        output.status.success(),
        "replay ended with {}",
        output.status
    );
    Ok(said)
}

/// The number that stands just before the first of these words.
fn number_before(text: &str, words: &str) -> anyhow::Result<usize> {
    let (before, _) = text
        .split_once(words)
        .with_context(|| format!("no {words:?} in the summary"))?;
    let number = before.split_whitespace().next_back();
    number
        .and_then(|number| number.parse().ok())
        .with_context(|| format!("no number before {words:?}"))
}
