//! What the Postgres under load says of itself: its settings, its WAL, its transactions.
//!
//! The rule: it only reads, except in a cluster of the run's own, whose WAL it warms. A fresh
//! cluster fills each new WAL segment with zeros first, which halves every figure.

use std::time::Duration;

use serde::Serialize;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, postgres::PgConnectOptions};

/// WAL that a second of load may write; what is warmed is as much as the run may need.
const WAL_BYTES_PER_SECOND: i64 = 96 * 1024 * 1024;
/// WAL that is warmed at the least, and at the most: more would start a checkpoint by itself.
const WARM_BYTES_MIN: i64 = 512 * 1024 * 1024;
const WARM_BYTES_MAX: i64 = 3 * 1024 * 1024 * 1024;

/// What is told of the settings.
const SETTINGS: [&str; 9] = [
    "checkpoint_timeout",
    "fsync",
    "full_page_writes",
    "max_wal_size",
    "server_version",
    "shared_buffers",
    "synchronous_commit",
    "wal_compression",
    "wal_sync_method",
];
/// Those that make every figure worthless when they are off.
const DURABILITY: [&str; 3] = ["fsync", "full_page_writes", "synchronous_commit"];

/// A connection to the Postgres under load.
#[derive(Debug)]
pub(super) struct Database {
    connection: PgConnection,
}

/// Where Postgres stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    /// WAL written since the cluster was made, in bytes.
    pub(super) wal_bytes: i64,
    /// WAL that can be written into segments that are filled already; none if this role may not
    /// know.
    pub(super) warm_bytes: Option<i64>,
    /// Transactions committed.
    pub(super) commits: i64,
}

/// Settings, by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(super) struct Settings(pub(super) Vec<(String, String)>);

impl Settings {
    /// Those that lose what was acknowledged.
    pub(super) fn unsafe_ones(&self) -> Vec<&str> {
        let is_off = |(name, value): &&(String, String)| {
            DURABILITY.contains(&name.as_str()) && value == "off"
        };
        self.0
            .iter()
            .filter(is_off)
            .map(|(name, _)| name.as_str())
            .collect()
    }
}

impl Database {
    /// Connects.
    ///
    /// # Errors
    /// If it cannot be reached.
    pub(super) async fn connect(url: &str) -> sqlx::Result<Self> {
        let options: PgConnectOptions = url.parse()?;
        // A checkpoint is slow, and nobody needs to be told.
        let options = options
            .application_name("holdfast/bench")
            .disable_statement_logging();
        Ok(Self {
            connection: PgConnection::connect_with(&options).await?,
        })
    }

    /// The process id of this connection's backend.
    pub(super) async fn backend(&mut self) -> sqlx::Result<i32> {
        let sql = "-- bench_backend\nselect pg_backend_pid()";
        sqlx::query_scalar(sql)
            .fetch_one(&mut self.connection)
            .await
    }

    /// Reads the settings.
    pub(super) async fn settings(&mut self) -> sqlx::Result<Settings> {
        let sql = "-- bench_settings\nselect name, current_setting(name)\nfrom pg_settings\n\
            where name = any($1)\norder by name";
        let names = SETTINGS.map(str::to_owned).to_vec();
        let settings = sqlx::query_as(sql)
            .bind(names)
            .fetch_all(&mut self.connection)
            .await?;
        Ok(Settings(settings))
    }

    /// Reads where Postgres stands.
    pub(super) async fn moment(&mut self) -> sqlx::Result<Moment> {
        let sql = "-- bench_moment\nselect pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint,\n\
            (select sum(xact_commit)::bigint from pg_stat_database)";
        let (wal_bytes, commits) = sqlx::query_as(sql).fetch_one(&mut self.connection).await?;
        Ok(Moment {
            wal_bytes,
            commits,
            warm_bytes: self.warm_bytes().await.ok(),
        })
    }

    /// Segments after the present one are filled already.
    async fn warm_bytes(&mut self) -> sqlx::Result<i64> {
        let sql = "-- bench_warm_wal\nselect coalesce(sum(size), 0)::bigint\nfrom pg_ls_waldir()\n\
            where name ~ '^[0-9A-F]{24}$'\n\
            and name > pg_walfile_name(pg_current_wal_insert_lsn())";
        sqlx::query_scalar(sql)
            .fetch_one(&mut self.connection)
            .await
    }

    async fn segment_bytes(&mut self) -> sqlx::Result<i64> {
        let sql = "-- bench_segment\nselect setting::bigint\nfrom pg_settings\n\
            where name = 'wal_segment_size'";
        sqlx::query_scalar(sql)
            .fetch_one(&mut self.connection)
            .await
    }
}

/// Fills as much WAL as a run of this length may need, and hands it back for use.
///
/// # Errors
/// If a statement fails; it takes a superuser.
pub(super) async fn warm(url: &str, run: Duration) -> sqlx::Result<()> {
    let mut database = Database::connect(url).await?;
    let segment_bytes = database.segment_bytes().await?;
    let seconds = i64::try_from(run.as_secs()).unwrap_or(i64::MAX);
    let bytes = seconds
        .saturating_mul(WAL_BYTES_PER_SECOND)
        .clamp(WARM_BYTES_MIN, WARM_BYTES_MAX);
    for _ in 0..bytes / segment_bytes {
        // A segment into which nothing was written is not left.
        let write = "-- bench_touch_wal\nselect pg_logical_emit_message(false, 'holdfast', 'warm')";
        sqlx::query(write).execute(&mut database.connection).await?;
        let switch = "-- bench_switch_wal\nselect pg_switch_wal()";
        sqlx::query(switch)
            .execute(&mut database.connection)
            .await?;
    }
    sqlx::raw_sql("checkpoint")
        .execute(&mut database.connection)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Settings;

    #[test]
    fn settings_that_lose_orders_are_named() {
        let settings = |fsync: &str, commit: &str| {
            let pairs = [
                ("fsync", fsync),
                ("jit", "off"),
                ("synchronous_commit", commit),
            ];
            Settings(
                pairs
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .to_vec(),
            )
        };
        assert!(settings("on", "remote_write").unsafe_ones().is_empty());
        assert_eq!(
            settings("off", "off").unsafe_ones(),
            ["fsync", "synchronous_commit"]
        );
    }
}
