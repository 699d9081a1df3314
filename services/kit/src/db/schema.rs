//! Whether a database has exactly the schema that this binary knows.
//! Neither an older nor a newer one will do: a service never guesses at columns.

use std::borrow::Cow;

use sqlx::PgConnection;
use sqlx::migrate::{Migration, Migrator};

/// SQLSTATE of a table that is not there.
const UNDEFINED_TABLE: &str = "42P01";

/// How the schema differs from the one that this binary knows.
#[derive(Debug, thiserror::Error)]
pub enum SchemaMismatch {
    /// No migration has run.
    #[error("the database has no schema yet; run `holdfast migrate`")]
    Missing,
    /// Migrations are due.
    #[error("the schema lacks migration {0}; run `holdfast migrate`")]
    Older(i64),
    /// The database has a migration that this binary does not know.
    #[error("the schema has migration {0}, which this binary does not know; use a newer binary")]
    Newer(i64),
    /// A migration stopped half way.
    #[error("migration {0} did not finish; mend the schema by hand and run `holdfast migrate`")]
    Unfinished(i64),
    /// A migration was edited after it ran.
    #[error("migration {0} is not the one that this binary knows: its text has changed")]
    Changed(i64),
    /// The list of migrations could not be read.
    #[error("the schema's version cannot be read: {0}")]
    Unreadable(#[from] sqlx::Error),
}

/// A migration that the database has seen.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct Applied {
    pub(super) version: i64,
    pub(super) success: bool,
    pub(super) checksum: Vec<u8>,
}

pub(super) fn compare<'m>(
    known: impl Iterator<Item = &'m Migration>,
    applied: &[Applied],
) -> Result<(), SchemaMismatch> {
    if applied.is_empty() {
        return Err(SchemaMismatch::Missing);
    }
    let known: Vec<_> = known
        .filter(|migration| migration.migration_type.is_up_migration())
        .collect();
    for migration in &known {
        let Some(found) = applied.iter().find(|row| row.version == migration.version) else {
            return Err(SchemaMismatch::Older(migration.version));
        };
        if !found.success {
            return Err(SchemaMismatch::Unfinished(found.version));
        }
        if found.checksum != *migration.checksum {
            return Err(SchemaMismatch::Changed(found.version));
        }
    }
    let unknown = applied
        .iter()
        .find(|row| known.iter().all(|m| m.version != row.version));
    unknown.map_or(Ok(()), |row| Err(SchemaMismatch::Newer(row.version)))
}

/// Checks that exactly the migrator's migrations have run, each whole and as it is written.
///
/// # Errors
/// The first difference, with what to do about it.
pub async fn check_schema(
    connection: &mut PgConnection,
    migrator: &Migrator,
) -> Result<(), SchemaMismatch> {
    let applied: Result<Vec<Applied>, sqlx::Error> = sqlx::query_as(
        "-- kit: migrations that have run
        select version, success, checksum
        from _sqlx_migrations
        order by version",
    )
    .fetch_all(connection)
    .await;
    match applied {
        Ok(applied) => compare(migrator.iter(), &applied),
        Err(sqlx::Error::Database(error))
            if error.code() == Some(Cow::Borrowed(UNDEFINED_TABLE)) =>
        {
            Err(SchemaMismatch::Missing)
        }
        Err(error) => Err(error.into()),
    }
}
