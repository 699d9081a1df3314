//! `holdfast replay`: places a real shop's invoices, one order each.
//!
//! The rule: every key is a function of the file, so that a killed replay, started again, goes on
//! where it was and doubles nothing; and whatever is not placed is counted and told.

mod invoice;
mod keys;
mod place;
mod plan;
mod price;
mod sku;
mod source;
mod stock;
mod summary;

use std::{io, io::Write as _, path::PathBuf, time::Instant};

use anyhow::Context as _;
use holdfast::client::{self, Addresses, audit::audit};

use place::Pace;
use plan::Plan;
use summary::Summary;

/// Units that the stock of one SKU may be given.
const STOCK_MAX: i64 = 1_000_000_000;
/// Orders, or SKUs, on their way at once, unless told otherwise.
const IN_FLIGHT: usize = 64;
/// The same, at the most.
const IN_FLIGHT_MAX: usize = 1_024;

/// What to replay, and against what.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// A shop's invoice lines: CSV, or CSV compressed with gzip, with the columns InvoiceNo,
    /// StockCode, Description, Quantity, UnitPrice (GBP) and CustomerID of the UCI data set
    /// "Online Retail"; others are passed over
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Units that each SKU is given, which may be too few; without it as many as the file sells
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(0..=STOCK_MAX))]
    stock: Option<i64>,
    /// Orders a second, such as 50 or 50/s; without it as fast as it goes
    #[arg(long, value_name = "N/s", value_parser = Pace::parse, default_value = "max")]
    rate: Pace,
    /// Orders, and before them SKUs, on their way at once
    #[arg(long, value_name = "N", default_value_t = IN_FLIGHT)]
    in_flight: usize,
    #[command(flatten)]
    addresses: Addresses,
}

pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    anyhow::ensure!(
        (1..=IN_FLIGHT_MAX).contains(&args.in_flight),
        "--in-flight is 1 to {IN_FLIGHT_MAX}"
    );
    let begun = Instant::now();
    let bytes =
        source::read(&args.file).with_context(|| format!("cannot read {}", args.file.display()))?;
    let plan = Plan::read(&bytes).with_context(|| format!("in {}", args.file.display()))?;
    drop(bytes);

    let inventory = client::connect("inventory", &args.addresses.inventory).await?;
    let order = client::connect("order", &args.addresses.order).await?;
    let new_skus = stock::prepare(inventory, &plan, args.stock, args.in_flight).await?;
    let placed_from = Instant::now();
    let placed = place::all(order, &plan, args.in_flight, args.rate).await;
    let summary = Summary {
        plan: &plan,
        placed: &placed,
        new_skus,
        placing: placed_from.elapsed(),
        whole: begun.elapsed(),
    };
    writeln!(io::stdout(), "{summary}")?;

    let audit_from = Instant::now();
    let audit = audit(&args.addresses.audit).await?;
    let seconds = audit_from.elapsed().as_secs_f64();
    writeln!(io::stdout(), "{audit} in {seconds:.1} s")?;
    writeln!(
        io::stdout(),
        "wall time {:.1} s in all",
        begun.elapsed().as_secs_f64()
    )?;
    anyhow::ensure!(audit.passed(), "the audit says {}", audit.verdict());
    placed.verdict(args.stock)
}
