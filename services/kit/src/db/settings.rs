//! The server settings without which an acknowledged write could be lost.
//! They are read in a session of the service's own role, so overrides by role or database count.

use sqlx::PgConnection;

/// The oldest server that the SQL is written for, as server_version_num has it.
pub const SERVER_VERSION_MIN: i32 = 150_000;

/// A setting under which a crash may lose what was acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsafeSetting {
    /// The setting's name.
    pub name: &'static str,
    /// Its value.
    pub value: String,
}

/// Why a service must not start on this server.
#[derive(Debug, thiserror::Error)]
pub enum UnsafeDatabase {
    /// A crash may lose what was acknowledged.
    #[error("the database may lose acknowledged writes: {}; turn them on and start again", list(.0))]
    Settings(Vec<UnsafeSetting>),
    /// The server is too old.
    #[error("the database is PostgreSQL {} and must be {} or newer", .0 / 10_000, SERVER_VERSION_MIN / 10_000)]
    TooOld(i32),
    /// It takes no writes.
    #[error("the database is in recovery or read-only; use the primary")]
    ReadOnly,
    /// The settings could not be read.
    #[error("the database's settings cannot be read: {0}")]
    Unreadable(#[from] sqlx::Error),
}

fn list(settings: &[UnsafeSetting]) -> String {
    let each = |setting: &UnsafeSetting| format!("{} is {}", setting.name, setting.value);
    settings.iter().map(each).collect::<Vec<_>>().join(", ")
}

/// The settings as the server reports them.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct Settings {
    pub(super) fsync: String,
    pub(super) full_page_writes: String,
    pub(super) synchronous_commit: String,
    pub(super) server_version: i32,
    pub(super) read_only: bool,
}

pub(super) fn judge(settings: &Settings) -> Result<(), UnsafeDatabase> {
    if settings.server_version < SERVER_VERSION_MIN {
        return Err(UnsafeDatabase::TooOld(settings.server_version));
    }
    if settings.read_only {
        return Err(UnsafeDatabase::ReadOnly);
    }
    // Whatever else synchronous_commit says waits at least for the local disk.
    let found: Vec<_> = [
        ("fsync", &settings.fsync),
        ("full_page_writes", &settings.full_page_writes),
        ("synchronous_commit", &settings.synchronous_commit),
    ]
    .into_iter()
    .filter(|(_, value)| *value == "off")
    .map(|(name, value)| UnsafeSetting {
        name,
        value: value.clone(),
    })
    .collect();
    if found.is_empty() {
        Ok(())
    } else {
        Err(UnsafeDatabase::Settings(found))
    }
}

/// Checks that the server keeps what it acknowledges and is recent enough.
///
/// # Errors
/// Every setting that is unsafe, or why they could not be read.
pub async fn check_settings(connection: &mut PgConnection) -> Result<(), UnsafeDatabase> {
    let settings: Settings = sqlx::query_as(
        "-- kit: durability settings
        select
            current_setting('fsync') as fsync,
            current_setting('full_page_writes') as full_page_writes,
            current_setting('synchronous_commit') as synchronous_commit,
            current_setting('server_version_num')::int as server_version,
            current_setting('transaction_read_only')::boolean as read_only",
    )
    .fetch_one(connection)
    .await?;
    judge(&settings)
}
