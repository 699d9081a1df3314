//! How many rows there are, table by table: for showing that a call left none.

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, PgConnection};

/// Rows by table.
pub type Rows = BTreeMap<String, i64>;

/// Counts the rows of every table of a database.
///
/// # Errors
/// If they cannot be counted.
pub async fn count(connection: &mut PgConnection) -> anyhow::Result<Rows> {
    let tables: Vec<String> = sqlx::query_scalar(
        "-- tests: tables
        select t.tablename::text
        from pg_tables t
        where t.schemaname = 'public'",
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut rows = Rows::new();
    for table in tables {
        let statement = format!("select count(*) from \"{table}\"");
        let count = sqlx::query_scalar(AssertSqlSafe(statement))
            .fetch_one(&mut *connection)
            .await?;
        rows.insert(table, count);
    }
    Ok(rows)
}
