//! Databases for tests: each test has one of its own, cloned from a template that was migrated once.
//!
//! The rule: a clone belongs to one test and goes with it. Templates stay with the server under a
//! name made of their migrations' checksums, so that a changed migration makes a new one.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, PgConnection, PgPool,
    migrate::Migrator,
    postgres::{PgConnectOptions, PgPoolOptions},
};

/// The variable that names a server, as a superuser's URL.
pub const SERVER_VARIABLE: &str = "HOLDFAST_TEST_POSTGRES_URL";
/// How many connections a test's pool opens at most.
const POOL_MAX: u32 = 8;
/// How long a test waits for a connection before it says so.
const ACQUIRE_WAIT_MAX: Duration = Duration::from_secs(30);
/// PostgreSQL cuts longer names.
const NAME_BYTES_MAX: usize = 63;

/// A database of one test, dropped when this is dropped.
#[derive(Debug)]
pub struct TestDatabase {
    server: PgConnectOptions,
    name: String,
    url: String,
}

impl TestDatabase {
    /// Clones the database that `migrator` makes. `name` only makes it recognizable.
    ///
    /// # Panics
    /// If there is no server in [`SERVER_VARIABLE`], or it fails: a test cannot go on without.
    pub async fn create(name: &str, migrator: &Migrator) -> TestDatabase {
        let url = std::env::var(SERVER_VARIABLE).unwrap_or_else(|_| {
            panic!(
                "{SERVER_VARIABLE} names no server; run the test as `make test T=<its name>`, or \
                 under `holdfast-pg with -- cargo test …`"
            )
        });
        Self::create_on(&url, name, migrator)
            .await
            .unwrap_or_else(|error| panic!("cannot make a database for the test: {error}"))
    }

    async fn create_on(
        server_url: &str,
        name: &str,
        migrator: &Migrator,
    ) -> Result<TestDatabase, Box<dyn std::error::Error>> {
        let server: PgConnectOptions = server_url.parse()?;
        let mut connection = server.connect().await?;
        let template = ensure_template(&mut connection, &server, name, migrator).await?;
        let clone = unique_name(name);
        run(
            &mut connection,
            format!("create database \"{clone}\" template \"{template}\""),
        )
        .await?;
        connection.close().await?;
        let url = with_database(server_url, &clone);
        Ok(TestDatabase {
            server,
            name: clone,
            url,
        })
    }

    /// Its URL, with the superuser's rights.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How to connect to it.
    pub fn options(&self) -> PgConnectOptions {
        self.server.clone().database(&self.name)
    }

    /// A small pool of connections to it.
    ///
    /// # Panics
    /// If it cannot connect.
    pub async fn pool(&self) -> PgPool {
        PgPoolOptions::new()
            .max_connections(POOL_MAX)
            .acquire_timeout(ACQUIRE_WAIT_MAX)
            .connect_with(self.options())
            .await
            .unwrap_or_else(|error| panic!("cannot connect to {}: {error}", self.name))
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let server = self.server.clone();
        let statement = format!("drop database if exists \"{}\" with (force)", self.name);
        // A runtime of its own, because the test's is busy dropping us, or gone.
        let dropped = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(async {
                let mut connection = server.connect().await?;
                run(&mut connection, statement).await?;
                connection.close().await
            })?;
            Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
        })
        .join();
        if let Ok(Err(error)) = dropped {
            tracing::warn!(
                database = self.name,
                error,
                "a test's database is left behind"
            );
        }
    }
}

/// Makes the template unless it is there. It gets its name last, so that the name means whole.
async fn ensure_template(
    connection: &mut PgConnection,
    server: &PgConnectOptions,
    name: &str,
    migrator: &Migrator,
) -> Result<String, Box<dyn std::error::Error>> {
    let mut hasher = DefaultHasher::new();
    for migration in migrator.iter() {
        (migration.version, &*migration.checksum).hash(&mut hasher);
    }
    let digest = hasher.finish();
    let template = format!("holdfast_template_{name}_{digest:016x}");
    let lock = i64::from_ne_bytes(digest.to_ne_bytes());
    sqlx::query("select pg_advisory_lock($1)")
        .bind(lock)
        .execute(&mut *connection)
        .await?;
    let known = "select exists (select from pg_database where datname = $1)";
    let known: bool = sqlx::query_scalar(known)
        .bind(&template)
        .fetch_one(&mut *connection)
        .await?;
    if !known {
        let unfinished = format!("{template}_new");
        run(
            connection,
            format!("drop database if exists \"{unfinished}\" with (force)"),
        )
        .await?;
        run(
            connection,
            format!("create database \"{unfinished}\" template template0"),
        )
        .await?;
        let mut inside = server.clone().database(&unfinished).connect().await?;
        migrator.run(&mut inside).await?;
        inside.close().await?;
        run(
            connection,
            format!("alter database \"{unfinished}\" rename to \"{template}\""),
        )
        .await?;
    }
    sqlx::query("select pg_advisory_unlock($1)")
        .bind(lock)
        .execute(&mut *connection)
        .await?;
    Ok(template)
}

async fn run(connection: &mut PgConnection, statement: String) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(statement))
        .execute(connection)
        .await
        .map(|_| ())
}

/// A name that no other test has, of this process or another.
fn unique_name(name: &str) -> String {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |now| now.as_micros());
    let unique = format!(
        "holdfast_test_{name}_{}_{count}_{now:x}",
        std::process::id()
    );
    assert!(
        unique.len() <= NAME_BYTES_MAX,
        "{unique} is too long for a database"
    );
    unique
}

/// The same URL with another database.
fn with_database(url: &str, database: &str) -> String {
    let (base, query) = url
        .split_once('?')
        .map_or((url, None), |(base, q)| (base, Some(q)));
    let authority = base.find("://").map_or(0, |scheme| scheme + 3);
    let end = base[authority..]
        .find('/')
        .map_or(base.len(), |slash| authority + slash);
    match query {
        Some(query) => format!("{}/{database}?{query}", &base[..end]),
        None => format!("{}/{database}", &base[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::with_database;

    #[test]
    fn url_keeps_all_but_the_database() {
        let cases = [
            ("postgres://u:p@h:1/postgres", "postgres://u:p@h:1/x"),
            ("postgres://u@h:1", "postgres://u@h:1/x"),
            (
                "postgres://u@h/d?sslmode=disable",
                "postgres://u@h/x?sslmode=disable",
            ),
        ];
        for (url, expected) in cases {
            assert_eq!(with_database(url, "x"), expected);
        }
    }
}
