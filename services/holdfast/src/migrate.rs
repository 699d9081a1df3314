//! `holdfast migrate`: brings databases to the schema of this binary.
//!
//! The rule: it touches only the databases that it is told of.

use holdfast::schema;
use holdfast_postgres::Database;

/// The databases; at least one.
#[derive(clap::Args, Debug)]
#[command(group = clap::ArgGroup::new("databases").required(true).multiple(true))]
pub(crate) struct Args {
    /// The order database, as the role that owns it: postgres://user@host:port/name.
    #[arg(
        long,
        env = "HOLDFAST_ORDER_DATABASE_URL",
        hide_env_values = true,
        value_name = "URL",
        group = "databases"
    )]
    order_database_url: Option<String>,
    /// The inventory database.
    #[arg(
        long,
        env = "HOLDFAST_INVENTORY_DATABASE_URL",
        hide_env_values = true,
        value_name = "URL",
        group = "databases"
    )]
    inventory_database_url: Option<String>,
    /// The payment database.
    #[arg(
        long,
        env = "HOLDFAST_PAYMENT_DATABASE_URL",
        hide_env_values = true,
        value_name = "URL",
        group = "databases"
    )]
    payment_database_url: Option<String>,
    /// The simulated provider's database.
    #[arg(
        long,
        env = "HOLDFAST_PROVIDER_DATABASE_URL",
        hide_env_values = true,
        value_name = "URL",
        group = "databases"
    )]
    provider_database_url: Option<String>,
}

pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let urls = [
        (Database::Order, args.order_database_url),
        (Database::Inventory, args.inventory_database_url),
        (Database::Payment, args.payment_database_url),
        (Database::Provider, args.provider_database_url),
    ];
    for (database, url) in urls {
        if let Some(url) = url {
            schema::migrate(database, &url).await?;
        }
    }
    Ok(())
}
