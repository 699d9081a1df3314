//! Connections to the service's Postgres, and what it must be like before the service starts.
//! Durability is checked and never set: a session that could raise it would hide that the server
//! runs without.

mod schema;
mod settings;

use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgConnection};

pub use schema::{SchemaMismatch, check_schema};
pub use settings::{SERVER_VERSION_MIN, UnsafeDatabase, UnsafeSetting, check_settings};

/// What a database URL may start with.
const SCHEMES: [&str; 2] = ["postgres://", "postgresql://"];

/// A read that runs longer is stopped by the server.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(5);

/// A read that waits longer for a lock gives up.
const LOCK_TIMEOUT: Duration = Duration::from_secs(1);

/// A process that is stopped inside a transaction keeps nothing locked for longer than this.
const IDLE_IN_TRANSACTION_TIMEOUT: Duration = Duration::from_secs(1);

/// A connection whose data is not acknowledged for so long is taken for gone, by the server.
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(10);

/// A caller waits at most this long for a connection of a pool.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);

/// A pool's connection that nobody used for so long is closed.
const IDLE_TIMEOUT: Duration = Duration::from_mins(2);

/// A pool's connection that was used so recently is taken to be there still.
const TRUSTED_FOR: Duration = Duration::from_millis(250);

/// How long the first connection may take before the process gives up starting.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Prepared statements that one connection keeps.
const STATEMENT_CACHE_MAX: usize = 256;

/// Why a database is not one to start on.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The URL is malformed; it is not repeated, since it may hold a password.
    #[error("the database URL is not postgres://user@host:port/name: {0}")]
    Url(String),
    /// Nobody answers, or not as Postgres.
    #[error("the database cannot be reached: {0}")]
    Unreachable(#[source] sqlx::Error),
    /// Nobody answered in time.
    #[error("the database did not answer within {} s", CONNECT_TIMEOUT.as_secs())]
    Silent,
    /// It could lose what it acknowledged, or is too old.
    #[error(transparent)]
    Unsafe(#[from] UnsafeDatabase),
    /// Its schema is not the one that this binary knows.
    #[error(transparent)]
    Schema(#[from] SchemaMismatch),
}

/// Reads a database URL and adds the sessions' settings: timeouts, and no JIT, which costs short
/// statements more than it saves. `application` shows in pg_stat_activity.
///
/// # Errors
/// [`DatabaseError::Url`] if it is malformed.
pub fn connect_options(url: &str, application: &str) -> Result<PgConnectOptions, DatabaseError> {
    let milliseconds = |duration: Duration| duration.as_millis().to_string();
    if !SCHEMES.iter().any(|scheme| url.starts_with(scheme)) {
        return Err(DatabaseError::Url("another scheme".to_owned()));
    }
    let parsed = url.parse::<PgConnectOptions>();
    let options = parsed.map_err(|error| DatabaseError::Url(error.to_string()))?;
    Ok(options
        .application_name(&format!("holdfast/{application}"))
        .statement_cache_capacity(STATEMENT_CACHE_MAX)
        .options([
            ("statement_timeout", milliseconds(STATEMENT_TIMEOUT)),
            ("lock_timeout", milliseconds(LOCK_TIMEOUT)),
            (
                "idle_in_transaction_session_timeout",
                milliseconds(IDLE_IN_TRANSACTION_TIMEOUT),
            ),
            ("tcp_user_timeout", milliseconds(TCP_USER_TIMEOUT)),
            ("jit", "off".to_owned()),
        ]))
}

/// Makes a small pool for reads; it connects when it is first used. A connection is pinged before
/// use only after a pause, so that a busy pool pays nothing and a restart of the server costs no
/// caller its answer.
pub async fn pool(options: PgConnectOptions, connections_max: u32) -> PgPool {
    PgPoolOptions::new()
        .max_connections(connections_max)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .idle_timeout(IDLE_TIMEOUT)
        .test_before_acquire(false)
        .before_acquire(|connection, usage| {
            Box::pin(
                async move { Ok(usage.idle_for < TRUSTED_FOR || connection.ping().await.is_ok()) },
            )
        })
        .connect_lazy_with(options)
}

/// Connects once and checks that the database is safe to start on and has exactly the schema that
/// this binary knows.
///
/// # Errors
/// What is wrong with it, as a sentence for the operator.
pub async fn open(
    url: &str,
    application: &str,
    migrator: &Migrator,
) -> Result<PgConnectOptions, DatabaseError> {
    let options = connect_options(url, application)?;
    let connecting = tokio::time::timeout(CONNECT_TIMEOUT, options.connect());
    let mut connection: PgConnection = connecting
        .await
        .map_err(|_| DatabaseError::Silent)?
        .map_err(DatabaseError::Unreachable)?;
    check_settings(&mut connection).await?;
    check_schema(&mut connection, migrator).await?;
    // It has served its purpose; a failed goodbye changes nothing.
    connection.close().await.ok();
    Ok(options)
}

#[cfg(test)]
mod tests;
