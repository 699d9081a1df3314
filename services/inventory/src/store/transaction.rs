//! The end of a batch's transaction: what was decided is committed, everything else is rolled back
//! at once, so that no session idles in a transaction with stock locked.

use saga_batch::key_is_taken;
use sqlx::{Postgres, Transaction};

/// A batch that is overtaken so often answers that its items are contested; they are asked again.
pub(super) const ATTEMPTS_MAX: u32 = 6;

/// SQLSTATE lock_not_available: lock_timeout has passed.
const LOCK_NOT_AVAILABLE: &str = "55P03";

/// What one attempt at a batch came to.
#[derive(Debug)]
pub(super) enum Tried<T> {
    /// It is decided; its writes are in the transaction.
    Decided(T),
    /// Somebody else wrote one of its keys first; nothing of it stays.
    Overtaken,
    /// Somebody held one of its rows for longer than a batch waits; nothing of it stays.
    TimedOut,
}

/// Ends the transaction of an attempt.
///
/// # Errors
/// What the attempt failed with, or that its end failed; then it may have been committed.
pub(super) async fn end<T>(
    transaction: Transaction<'_, Postgres>,
    tried: Result<Tried<T>, sqlx::Error>,
) -> Result<Tried<T>, sqlx::Error> {
    match tried {
        Ok(Tried::Decided(decided)) => {
            transaction.commit().await?;
            Ok(Tried::Decided(decided))
        }
        Ok(other) => {
            transaction.rollback().await?;
            Ok(other)
        }
        Err(error) if key_is_taken(&error) => {
            transaction.rollback().await?;
            Ok(Tried::Overtaken)
        }
        Err(error) if lock_timed_out(&error) => {
            transaction.rollback().await?;
            Ok(Tried::TimedOut)
        }
        // The writer rolls back or drops the connection, whichever the error calls for.
        Err(error) => Err(error),
    }
}

fn lock_timed_out(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .and_then(|refusal| refusal.code())
        .as_deref()
        == Some(LOCK_NOT_AVAILABLE)
}
