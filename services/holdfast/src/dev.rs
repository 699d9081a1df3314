//! `holdfast dev`: everything on this machine, by one command.
//!
//! The rule: it leaves no process behind, however it ends, and never touches a data directory that
//! another one runs on.

use std::{
    env,
    fmt::Write as _,
    io::{self, Write as _},
    path::PathBuf,
};

use anyhow::Context as _;
use holdfast::{
    cluster::{Cluster, Options, Ports},
    roles::Address,
    seed,
};
use holdfast_kit::{bootstrap::StartError, grpc, shutdown};
use holdfast_postgres::{ENVIRONMENT_FILE, Location, ParentDeath, SourceArgs};

/// The port of the order service where nothing else is said; the others follow it.
const PORT_BASE: u16 = 50_051;
/// Names the data directory where no flag does.
const DATA_DIR_VARIABLE: &str = "HOLDFAST_DATA_DIR";

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    source: SourceArgs,
    /// Where the data is kept from one start to the next; without it holdfast/ in the user's data
    /// home ($XDG_DATA_HOME, else ~/.local/share).
    #[arg(
        long,
        env = DATA_DIR_VARIABLE,
        value_name = "DIR",
        conflicts_with = "ephemeral"
    )]
    data_dir: Option<PathBuf>,
    /// Keep nothing: the data is gone when it stops.
    #[arg(long)]
    ephemeral: bool,
    /// The order service's port; inventory, payment and audit have the next three, and the side
    /// ports come a hundred further on. 0 takes any that are free.
    #[arg(long, env = "HOLDFAST_PORT_BASE", value_name = "PORT", default_value_t = PORT_BASE)]
    port_base: u16,
    /// The port of the private Postgres; without it that of the last start if it is free, else any.
    #[arg(long, env = "HOLDFAST_PG_PORT", value_name = "PORT")]
    pg_port: Option<u16>,
    /// Start with empty shelves.
    #[arg(long)]
    no_samples: bool,
}

pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let shutdown = shutdown::on_signal()?;
    let location = location(&args)?;
    let options = Options {
        postgres: holdfast_postgres::Options {
            location: location.clone(),
            source: args.source.into(),
            port: args.pg_port,
            parent_death: ParentDeath::Stop,
        },
        ports: Ports::from_base(args.port_base)?,
    };
    let cluster = tokio::select! {
        cluster = Cluster::start(options) => cluster.map_err(with_advice)?,
        () = shutdown.cancelled() => return Ok(()),
    };
    if !args.no_samples {
        let inventory = cluster.addresses().inventory.grpc.to_string();
        seed::seed(grpc::channel(&inventory)?).await?;
    }
    io::stdout().write_all(greeting(&cluster, &location)?.as_bytes())?;
    cluster.run_until(shutdown).await
}

fn with_advice(error: anyhow::Error) -> anyhow::Error {
    match error.downcast_ref::<StartError>() {
        Some(StartError::Listen { .. }) => {
            error.context("another --port-base would do, or 0 for any free ports")
        }
        _ => error,
    }
}

fn location(args: &Args) -> anyhow::Result<Location> {
    if args.ephemeral {
        return Ok(Location::Ephemeral);
    }
    match &args.data_dir {
        Some(dir) => Ok(Location::Kept(dir.clone())),
        None => Ok(Location::Kept(default_data_dir()?)),
    }
}

/// The data directory of a `dev` that was told of none by a flag.
///
/// # Errors
/// If the environment does not say where it is.
pub(crate) fn default_data_dir() -> anyhow::Result<PathBuf> {
    let given = |name: &str| {
        env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    if let Some(dir) = given(DATA_DIR_VARIABLE) {
        return Ok(dir);
    }
    let home =
        given("XDG_DATA_HOME").or_else(|| given("HOME").map(|home| home.join(".local/share")));
    let home = home.context("neither XDG_DATA_HOME nor HOME is set; give a --data-dir")?;
    Ok(home.join("holdfast"))
}

/// What runs where, and three calls to try.
fn greeting(cluster: &Cluster, location: &Location) -> anyhow::Result<String> {
    let (addresses, server) = (cluster.addresses(), cluster.server());
    let (order, inventory) = (addresses.order.grpc, addresses.inventory.grpc);
    let mut text = String::from(
        "\nHoldfast is running, open on loopback: no TLS, no credentials, for this machine only.\n\n",
    );
    let mut row = |name: &str, Address { grpc, side }: Address| {
        writeln!(
            text,
            "  {name:<10} {grpc}   /livez /readyz /metrics on http://{side}"
        )
    };
    row("order", addresses.order)?;
    row("inventory", addresses.inventory)?;
    row("payment", addresses.payment)?;
    row("audit", addresses.audit)?;
    let data = match location {
        Location::Kept(dir) => format!("URLs in {}", dir.join(ENVIRONMENT_FILE).display()),
        Location::Ephemeral => "its data goes when this stops".to_owned(),
    };
    writeln!(
        text,
        "  {:<10} 127.0.0.1:{}   {}; {data}",
        "postgres",
        server.port(),
        server.binaries()
    )?;
    write!(
        text,
        r#"
Three calls to try (`buf curl` takes the same, with --protocol grpc --http2-prior-knowledge):

  grpcurl -plaintext -d '{{"sku": "MUG-BLUE"}}' \
    {inventory} holdfast.inventory.v1.InventoryService/GetStock

  grpcurl -plaintext -d '{{"customer_id": "ada", "request_id": "my-first-order", "payment_method": "tok_ok",
    "lines": [{{"sku": "MUG-BLUE", "quantity": 2, "unit_price": {{"currency_code": "EUR", "minor_units": 1250}}}}]}}' \
    {order} holdfast.order.v1.OrderService/PlaceOrder

  grpcurl -plaintext -d '{{"customer_id": "ada"}}' \
    {order} holdfast.order.v1.OrderService/ListOrders

Ctrl-C stops everything.
"#
    )?;
    Ok(text)
}
