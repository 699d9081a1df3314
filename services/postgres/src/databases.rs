//! The databases and login roles of a private cluster.
//!
//! The rule: a service's role owns its own database and can connect to no other. The auditor's role
//! reads all of them and writes none.

use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};

use crate::{Error, Server};

/// The role that owns the cluster.
pub(crate) const SUPERUSER: &str = "postgres";
/// The role that may read everything.
pub const AUDIT_ROLE: &str = "holdfast_audit";

/// One database, with the login role of the same name that owns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Database {
    /// Orders and their sagas.
    Order,
    /// Stock.
    Inventory,
    /// Payments.
    Payment,
    /// The simulated provider's ledger.
    Provider,
}

impl Database {
    /// All of them.
    pub const ALL: [Database; 4] = [
        Database::Order,
        Database::Inventory,
        Database::Payment,
        Database::Provider,
    ];

    /// Its name, which is also its owner's.
    pub fn name(self) -> &'static str {
        match self {
            Database::Order => "holdfast_order",
            Database::Inventory => "holdfast_inventory",
            Database::Payment => "holdfast_payment",
            Database::Provider => "holdfast_provider",
        }
    }

    /// The directory of its migrations, under migrations/.
    pub fn directory(self) -> &'static str {
        match self {
            Database::Order => "order",
            Database::Inventory => "inventory",
            Database::Payment => "payment",
            Database::Provider => "provider",
        }
    }

    /// The environment variable that holds its URL for the auditor.
    pub fn audit_variable(self) -> &'static str {
        match self {
            Database::Order => "HOLDFAST_AUDIT_ORDER_DATABASE_URL",
            Database::Inventory => "HOLDFAST_AUDIT_INVENTORY_DATABASE_URL",
            Database::Payment => "HOLDFAST_AUDIT_PAYMENT_DATABASE_URL",
            Database::Provider => "HOLDFAST_AUDIT_PROVIDER_DATABASE_URL",
        }
    }

    /// The environment variable that holds its URL.
    pub fn variable(self) -> &'static str {
        match self {
            Database::Order => "HOLDFAST_ORDER_DATABASE_URL",
            Database::Inventory => "HOLDFAST_INVENTORY_DATABASE_URL",
            Database::Payment => "HOLDFAST_PAYMENT_DATABASE_URL",
            Database::Provider => "HOLDFAST_PROVIDER_DATABASE_URL",
        }
    }
}

/// Every role that has a password.
pub(crate) fn roles() -> Vec<&'static str> {
    let mut roles = vec![SUPERUSER, AUDIT_ROLE];
    roles.extend(Database::ALL.map(Database::name));
    roles
}

/// The URLs of a prepared cluster; each holds a password.
#[derive(Clone, Debug)]
pub struct Databases {
    superuser: String,
    owners: [String; Database::ALL.len()],
    audits: [String; Database::ALL.len()],
}

impl Databases {
    /// Makes the roles, databases and grants that are missing; what is there stays.
    ///
    /// # Errors
    /// [`Error::Database`] if a statement fails.
    ///
    /// # Cancellation
    /// What was made stays made; calling it again makes the rest.
    pub async fn prepare(server: &Server) -> Result<Databases, Error> {
        let mut cluster = connect(&server.url(SUPERUSER, "postgres")).await?;
        for role in Database::ALL
            .map(Database::name)
            .into_iter()
            .chain([AUDIT_ROLE])
        {
            ensure_role(&mut cluster, role, server.password(role)).await?;
        }
        let audit = "alter role holdfast_audit set default_transaction_read_only = on";
        sqlx::query(audit).execute(&mut cluster).await?;
        sqlx::query("revoke all on database postgres, template1 from public")
            .execute(&mut cluster)
            .await?;
        for database in Database::ALL {
            ensure_database(&mut cluster, database.name()).await?;
            let mut connection = connect(&server.url(SUPERUSER, database.name())).await?;
            grant_audit(&mut connection, database.name()).await?;
            connection.close().await?;
        }
        cluster.close().await?;
        let databases = Databases {
            superuser: server.url(SUPERUSER, "postgres"),
            owners: Database::ALL.map(|database| server.url(database.name(), database.name())),
            audits: Database::ALL.map(|database| server.url(AUDIT_ROLE, database.name())),
        };
        server.write_environment(&databases.environment())?;
        Ok(databases)
    }

    /// The URLs as the lines of a shell's environment.
    pub fn environment(&self) -> String {
        let lines = Database::ALL.map(|database| {
            let (owner, audit) = (self.owner(database), self.audit(database));
            let (variable, audit_variable) = (database.variable(), database.audit_variable());
            format!("{variable}={owner}\n{audit_variable}={audit}\n")
        });
        lines.concat()
    }

    /// The URL of the superuser, at database `postgres`.
    pub fn superuser(&self) -> &str {
        &self.superuser
    }

    /// The URL by which its service reaches a database.
    pub fn owner(&self, database: Database) -> &str {
        &self.owners[database as usize]
    }

    /// The URL by which the auditor reaches a database.
    pub fn audit(&self, database: Database) -> &str {
        &self.audits[database as usize]
    }
}

async fn connect(url: &str) -> Result<PgConnection, Error> {
    let options: PgConnectOptions = url.parse()?;
    Ok(options
        .application_name("holdfast-postgres")
        .connect()
        .await?)
}

async fn ensure_role(
    connection: &mut PgConnection,
    role: &str,
    password: &str,
) -> Result<(), Error> {
    let known = "select exists (select from pg_roles where rolname = $1)";
    let known: bool = sqlx::query_scalar(known)
        .bind(role)
        .fetch_one(&mut *connection)
        .await?;
    let verb = match known {
        true => "alter role %I login password %L",
        false => "create role %I login password %L",
    };
    run_formatted(connection, verb, &[role, password]).await
}

async fn ensure_database(connection: &mut PgConnection, name: &str) -> Result<(), Error> {
    let known = "select exists (select from pg_database where datname = $1)";
    let known: bool = sqlx::query_scalar(known)
        .bind(name)
        .fetch_one(&mut *connection)
        .await?;
    if !known {
        run_formatted(connection, "create database %I owner %I", &[name, name]).await?;
    }
    run_formatted(connection, "revoke all on database %I from public", &[name]).await?;
    run_formatted(
        connection,
        "grant connect on database %I to %I",
        &[name, AUDIT_ROLE],
    )
    .await
}

/// Lets the auditor read what its owner has made in this database and will make, and how large the
/// files of the WAL are.
async fn grant_audit(connection: &mut PgConnection, owner: &str) -> Result<(), Error> {
    let grants: [(&str, &[&str]); 4] = [
        ("grant usage on schema public to %I", &[AUDIT_ROLE]),
        (
            "grant select on all tables in schema public to %I",
            &[AUDIT_ROLE],
        ),
        (
            "alter default privileges for role %I in schema public grant select on tables to %I",
            &[owner, AUDIT_ROLE],
        ),
        // How much of the WAL is warm, which the benchmark tells beside its figures.
        (
            "grant execute on function pg_catalog.pg_ls_waldir() to %I",
            &[AUDIT_ROLE],
        ),
    ];
    for (template, words) in grants {
        run_formatted(connection, template, words).await?;
    }
    Ok(())
}

/// Runs a statement that takes no parameters, its names and literals quoted by PostgreSQL itself.
async fn run_formatted(
    connection: &mut PgConnection,
    template: &str,
    words: &[&str],
) -> Result<(), Error> {
    let statement: String = sqlx::query_scalar("select format($1, variadic $2::text[])")
        .bind(template)
        .bind(words)
        .fetch_one(&mut *connection)
        .await?;
    sqlx::raw_sql(AssertSqlSafe(statement))
        .execute(connection)
        .await?;
    Ok(())
}
