//! What a writer's session of this service sets beyond what every writer's does.

use sqlx::postgres::PgConnectOptions;

/// Adds the settings: each row is looked up by its key, one by one, and for that a bitmap costs
/// more than the index itself.
pub(crate) fn writer_session(options: PgConnectOptions) -> PgConnectOptions {
    options.options([("enable_bitmapscan", "off")])
}
