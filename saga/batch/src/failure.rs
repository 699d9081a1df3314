//! What a failed batch means: run it again, split it, or give it up. Every error class has one
//! treatment, and an answer that is not known is never reported as a refusal.

use std::borrow::Cow;

/// SQLSTATE unique_violation.
pub(crate) const UNIQUE_VIOLATION: &str = "23505";

/// Why an item has no reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// The queue is at its limit; nothing was written.
    #[error("the queue of the writer is full")]
    Full,
    /// The writer is stopping; nothing was written.
    #[error("the writer has stopped")]
    Closed,
    /// The database could not be reached or did not answer: it may have been written.
    #[error("the database cannot be reached")]
    Unavailable,
    /// The database refused this item alone; nothing of it was written.
    #[error("the database refused the item with {sqlstate}")]
    Rejected {
        /// The SQLSTATE of the refusal.
        sqlstate: String,
        /// The constraint that refused it, without a shard number, if one did.
        constraint: Option<String>,
    },
}

/// What to do about a failed batch.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Treatment {
    /// One of its items is bad: halve it until the bad one stands alone.
    Bisect {
        sqlstate: String,
        constraint: Option<String>,
    },
    /// It lost against a concurrent transaction: the same again.
    Rerun,
    /// The connection is gone: the same again on a new one, under the same keys.
    Reconnect,
    /// The statement itself is wrong for this database; no repetition mends it.
    GiveUp { sqlstate: String },
}

pub(crate) fn treatment(error: &sqlx::Error) -> Treatment {
    let Some(refusal) = error.as_database_error() else {
        return Treatment::Reconnect;
    };
    let sqlstate = refusal.code().unwrap_or(Cow::Borrowed("")).into_owned();
    let constraint = refusal.constraint().map(|name| base_name(name).to_owned());
    match sqlstate.as_bytes() {
        [b'2', b'2' | b'3', ..] => Treatment::Bisect {
            sqlstate,
            constraint,
        },
        // Rolled back by the database: serialization, deadlock; lock not available in time.
        [b'4', b'0', ..] | b"55P03" => Treatment::Rerun,
        // Connection exceptions, operator intervention (shutdown, crash, statement timeout),
        // insufficient resources (disk full, too many connections).
        [b'0', b'8', ..] | [b'5', b'7' | b'3', ..] => Treatment::Reconnect,
        // idle_in_transaction_session_timeout ended the session, not the statement.
        b"25P03" => Treatment::Reconnect,
        _ => Treatment::GiveUp { sqlstate },
    }
}

/// Whether the database has refused a statement, so that nothing of it was or will be written.
#[must_use]
pub fn is_refused(error: &sqlx::Error) -> bool {
    matches!(
        treatment(error),
        Treatment::Bisect { .. } | Treatment::Rerun
    )
}

/// Strips the shard number that a distributed Postgres appends to a constraint's name.
fn base_name(constraint: &str) -> &str {
    match constraint.rsplit_once('_') {
        Some((base, number))
            if number.len() >= 6 && number.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            base
        }
        _ => constraint,
    }
}

#[cfg(test)]
mod tests {
    use super::{Treatment, base_name, treatment};

    #[test]
    fn a_lost_connection_is_run_again_on_a_new_one() {
        let lost = sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into());
        assert_eq!(treatment(&lost), Treatment::Reconnect);
        assert_eq!(treatment(&sqlx::Error::WorkerCrashed), Treatment::Reconnect);
    }

    #[test]
    fn shard_numbers_are_not_part_of_a_constraints_name() {
        assert_eq!(base_name("orders_pkey_102008"), "orders_pkey");
        assert_eq!(base_name("orders_pkey"), "orders_pkey");
        assert_eq!(base_name("stock_reserved_v2"), "stock_reserved_v2");
    }
}
