//! The presumption that a batch's keys are new.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::failure::UNIQUE_VIOLATION;

/// So many batches after one that came with a key that was there already read before they insert.
const CAREFUL_BATCHES: u32 = 100;

/// Whether a command inserts its batch without having looked whether its keys are there already.
///
/// Nearly every key comes once, and an insert that presumes so is a good deal cheaper than
/// `on conflict do nothing`, which looks up each key and then writes each row as a speculation. The
/// first key that is there already fails the whole batch. The writer runs it again, and now the
/// command looks first, as it does for the next hundred batches, so that a rush of repeats costs a
/// look and not a failure each time. Between that look and the insert another process may still be
/// first; then the batch is run once more. The command names the constraint of its keys in
/// [`Command::KEYS`](crate::Command::KEYS).
#[derive(Debug, Default)]
pub struct NewKeys {
    careful: AtomicU32,
}

impl NewKeys {
    /// Says whether the batch at hand presumes that its keys are new; asked once per batch.
    pub fn presumed(&self) -> bool {
        let one_less = |left: u32| left.checked_sub(1);
        self.careful
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less)
            .is_err()
    }

    /// Passes on what came of an insert, and takes note if a key was there.
    ///
    /// # Errors
    /// Those of `inserted`.
    pub fn learn<T>(&self, inserted: Result<T, sqlx::Error>) -> Result<T, sqlx::Error> {
        if inserted.as_ref().is_err_and(key_is_taken) {
            self.careful.store(CAREFUL_BATCHES, Ordering::Relaxed);
        }
        inserted
    }
}

/// Whether a statement failed because a key that it wanted to insert is there already.
#[must_use]
pub fn key_is_taken(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .and_then(|refusal| refusal.code())
        .as_deref()
        == Some(UNIQUE_VIOLATION)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::{CAREFUL_BATCHES, NewKeys};

    #[test]
    fn keys_are_presumed_new_again_after_a_while() {
        let keys = NewKeys::default();
        assert!(keys.presumed());
        keys.careful.store(CAREFUL_BATCHES, Ordering::Relaxed);
        let careful = (0..1000).take_while(|_| !keys.presumed()).count();
        assert_eq!(careful, 100);
        assert!(keys.presumed());
    }
}
