//! Brings databases to the schema that this binary knows.
//!
//! The rule: forward only. A database that is ahead of this binary, or was changed by hand, is left
//! as it is; two migrations at once wait for each other.

use anyhow::Context as _;
use holdfast_postgres::Database;
use sqlx::{ConnectOptions as _, Connection as _, migrate::Migrator, postgres::PgConnectOptions};

/// The migrations of a database.
pub fn migrator(database: Database) -> &'static Migrator {
    match database {
        Database::Order => &holdfast_order::MIGRATOR,
        Database::Inventory => &holdfast_inventory::MIGRATOR,
        Database::Payment => &holdfast_payment::MIGRATOR,
        Database::Provider => &holdfast_provider::MIGRATOR,
    }
}

/// Applies what is missing, as the role in `url`, which is to own the tables.
///
/// # Errors
/// If the database cannot be reached, is ahead, or a migration that it has is not the one here.
///
/// # Cancellation
/// What was applied stays; each migration is one transaction.
pub async fn migrate(database: Database, url: &str) -> anyhow::Result<()> {
    let name = database.name();
    let cannot = || format!("cannot connect to the {} database", database.directory());
    let options: PgConnectOptions = url.parse().with_context(cannot)?;
    // What is there already is nothing to tell.
    let options = options.options([("client_min_messages", "warning")]);
    let mut connection = options.connect().await.with_context(cannot)?;
    migrator(database)
        .run(&mut connection)
        .await
        .with_context(|| format!("cannot migrate {name}"))?;
    connection.close().await?;
    tracing::info!(
        database = name,
        version = newest(database),
        "schema is up to date"
    );
    Ok(())
}

/// The newest version that this binary knows.
pub fn newest(database: Database) -> i64 {
    migrator(database)
        .iter()
        .map(|migration| migration.version)
        .max()
        .unwrap_or(0)
}
