//! The settings of a writer's session. One connection serves everybody, so nothing may hold it
//! long, and its plans may not depend on how full the tables were when it was opened.

use std::time::Duration;

use sqlx::postgres::PgConnectOptions;

/// A statement that waits longer for a lock gives up; the batch runs again.
pub(crate) const LOCK_TIMEOUT: Duration = Duration::from_millis(100);
/// A statement that runs longer is stopped by the server.
pub(crate) const STATEMENT_TIMEOUT: Duration = Duration::from_secs(10);
/// A process that is stopped inside a transaction keeps rows locked no longer than this.
pub(crate) const IDLE_IN_TRANSACTION_TIMEOUT: Duration = Duration::from_secs(1);
/// A server that does not acknowledge data for so long is taken for gone.
pub(crate) const TCP_USER_TIMEOUT: Duration = Duration::from_secs(10);

/// Adds a writer's session settings to `options`: timeouts, and plans pinned to index look-ups.
///
/// Statements planned while tables were empty flip to sequential scans and stay there; the writers'
/// statements are all look-ups by key, so every other plan is switched off.
#[must_use]
pub fn session_settings(options: PgConnectOptions, name: &str) -> PgConnectOptions {
    let milliseconds = |duration: Duration| duration.as_millis().to_string();
    options
        .application_name(&format!("holdfast/{name}"))
        .options([
            ("lock_timeout", milliseconds(LOCK_TIMEOUT)),
            ("statement_timeout", milliseconds(STATEMENT_TIMEOUT)),
            (
                "idle_in_transaction_session_timeout",
                milliseconds(IDLE_IN_TRANSACTION_TIMEOUT),
            ),
            ("tcp_user_timeout", milliseconds(TCP_USER_TIMEOUT)),
            ("plan_cache_mode", "force_generic_plan".to_owned()),
            ("enable_seqscan", "off".to_owned()),
            ("enable_hashjoin", "off".to_owned()),
            ("enable_mergejoin", "off".to_owned()),
            ("enable_bitmapscan", "off".to_owned()),
            ("jit", "off".to_owned()),
        ])
}
