//! A real shop's invoices, placed as orders.

use std::{path::PathBuf, process::ExitCode, process::Stdio, time::Duration};

use anyhow::{Context as _, ensure};
use holdfast_tests::{
    cluster::{Cluster, Layout},
    verdict::{conclude, say},
};

/// The folder that may have the real sample.
const FOLDER_VARIABLE: &str = "HOLDFAST_SAMPLE_DATA";
const SAMPLE: &str = "online_retail_2010-12.csv.gz";
/// An invented one of the same shape.
const INVENTED: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../services/holdfast/samples/retail.csv"
);
/// How long the sample may take, its audit included.
const WITHIN: Duration = Duration::from_secs(10);
/// How long to wait for it before giving up.
const GIVE_UP_AFTER: Duration = Duration::from_secs(120);

#[tokio::main]
async fn main() -> ExitCode {
    conclude("replay", show().await)
}

fn sample() -> anyhow::Result<PathBuf> {
    let Some(folder) = std::env::var_os(FOLDER_VARIABLE) else {
        return Ok(INVENTED.into());
    };
    let sample = PathBuf::from(folder).join(SAMPLE);
    ensure!(sample.is_file(), "{FOLDER_VARIABLE} has no {SAMPLE}");
    Ok(sample)
}

async fn show() -> anyhow::Result<String> {
    let cluster = Cluster::start(Layout::all()).await?;
    let sample = sample()?;
    let addresses = [
        format!("--order={}", cluster.order_address(0).grpc),
        format!("--inventory={}", cluster.inventory_address().grpc),
        format!("--audit={}", cluster.audit_address().grpc),
    ];
    let begun = std::time::Instant::now();
    let output = tokio::process::Command::new(cluster.binary())
        .arg("replay")
        .arg(&sample)
        .args(addresses)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(GIVE_UP_AFTER, output)
        .await
        .context("it does not end")??;
    let took = begun.elapsed();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    say(said.trim_end());
    ensure!(
        output.status.success(),
        "replay ended with {}",
        output.status
    );
    ensure!(took <= WITHIN, "it took {:.1} s", took.as_secs_f64());

    let placed = count(&said, "orders", 1)?;
    let confirmed = said
        .lines()
        .find(|line| line.trim_end().ends_with(" CONFIRMED"));
    let confirmed: usize = first_number(confirmed.context("no CONFIRMED in the summary")?)?;
    ensure!(
        placed > 0 && confirmed == placed,
        "{confirmed} of {placed} are CONFIRMED"
    );
    let audit = said.lines().find(|line| line.starts_with("audit"));
    let audit = audit.context("no audit in the summary")?.to_owned();
    ensure!(audit.contains("PASS"), "{audit}");
    cluster.finish().await?;
    let name = sample
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let took = took.as_secs_f64();
    Ok(format!(
        "{confirmed} of {placed} sellable invoices of {name} CONFIRMED in {took:.1} s; {audit}"
    ))
}

/// The number that stands at this place in the line that begins with a word.
fn count(text: &str, word: &str, place: usize) -> anyhow::Result<usize> {
    let line = text.lines().find(|line| line.starts_with(word));
    let line = line.with_context(|| format!("no line of {word}"))?;
    let number = line
        .split_whitespace()
        .nth(place)
        .and_then(|number| number.parse().ok());
    number.with_context(|| format!("no number in {line:?}"))
}

fn first_number(line: &str) -> anyhow::Result<usize> {
    let number = line.split_whitespace().find_map(|word| word.parse().ok());
    number.with_context(|| format!("no number in {line:?}"))
}
