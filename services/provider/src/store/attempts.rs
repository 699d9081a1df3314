//! How often, and since when, a key with a scripted token has been tried. It survives a restart, as
//! what a real provider goes through does.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use saga_batch::Command;
use sqlx::PgConnection;

/// The batch command that counts attempts. Running it again after a lost connection may count one
/// attempt twice; the script then ends one call earlier.
#[derive(Debug)]
pub(crate) struct Attempts;

/// One attempt under a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Attempt {
    /// Which it is, from 1.
    pub(crate) number: u32,
    /// When the first came.
    pub(crate) first_time: DateTime<Utc>,
    /// When this one came, by the same clock.
    pub(crate) time: DateTime<Utc>,
}

impl Command for Attempts {
    type Item = String;
    type Reply = Attempt;

    const NAME: &'static str = "provider_attempts";

    async fn execute(
        &self,
        connection: &mut PgConnection,
        keys: &[String],
    ) -> Result<Vec<Attempt>, sqlx::Error> {
        let mut counts: HashMap<&str, i32> = HashMap::with_capacity(keys.len());
        for key in keys {
            *counts.entry(key).or_default() += 1;
        }
        let mut sorted: Vec<(&str, i32)> = counts.into_iter().collect();
        sorted.sort_unstable();
        let (names, tried): (Vec<&str>, Vec<i32>) = sorted.iter().copied().unzip();
        let rows = sqlx::query!(
            r#"-- scripts.count_attempts
            insert into scripts as s (provider_key, attempts, first_time)
            select a.provider_key, a.attempts, now()
            from unnest($1::text[], $2::int[]) as a (provider_key, attempts)
            order by a.provider_key collate "C"
            on conflict (provider_key) do update
            set attempts = s.attempts + excluded.attempts
            returning s.provider_key, s.attempts, s.first_time, now() as "time!""#,
            &names as _,
            &tried,
        )
        .fetch_all(connection)
        .await?;
        let mut last: HashMap<String, Attempt> = HashMap::with_capacity(rows.len());
        for row in rows {
            let number = u32::try_from(row.attempts).unwrap_or(u32::MAX);
            let attempt = Attempt {
                number,
                first_time: row.first_time,
                time: row.time,
            };
            last.insert(row.provider_key, attempt);
        }
        // The callers of one key are told consecutive numbers, the last one the highest.
        let mut replies = Vec::with_capacity(keys.len());
        for key in keys.iter().rev() {
            let attempt = last.get_mut(key).ok_or(sqlx::Error::RowNotFound)?;
            replies.push(*attempt);
            attempt.number = attempt.number.saturating_sub(1);
        }
        replies.reverse();
        Ok(replies)
    }
}
