//! Entries for authorizations and charges, many in one statement. The first under a key stands;
//! whoever comes later is told what it was.

use std::collections::HashMap;

use saga_batch::{Command, NewKeys};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::entry::{Entry, Recorded, Ruling};

/// The batch command that writes entries.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    new_keys: NewKeys,
}

impl Command for Ledger {
    type Item = Entry;
    type Reply = Recorded;

    const NAME: &'static str = "provider_ledger";
    const KEYS: Option<&str> = Some("ledger_pkey");

    async fn execute(
        &self,
        connection: &mut PgConnection,
        items: &[Entry],
    ) -> Result<Vec<Recorded>, sqlx::Error> {
        let mut before = HashMap::new();
        if !self.new_keys.presumed() {
            let keys: Vec<&str> = items.iter().map(|it| it.provider_key.as_str()).collect();
            before = recorded(connection, &keys).await?;
        }
        let mut written: HashMap<&str, Recorded> = HashMap::with_capacity(items.len());
        let mut fresh = Vec::with_capacity(items.len());
        let mut replies = Vec::with_capacity(items.len());
        for entry in items {
            let key = entry.provider_key.as_str();
            if let Some(recorded) = before.get(key).or_else(|| written.get(key)) {
                replies.push(recorded.repeated());
                continue;
            }
            written.insert(key, entry.recorded());
            fresh.push(entry);
            replies.push(entry.recorded());
        }
        self.new_keys.learn(insert(connection, &fresh).await)?;
        Ok(replies)
    }
}

/// Writes entries, each under a key of its own that is presumed to be new.
pub(super) async fn insert(
    connection: &mut PgConnection,
    entries: &[&Entry],
) -> Result<(), sqlx::Error> {
    if entries.is_empty() {
        return Ok(());
    }
    let mut columns = Columns::default();
    for entry in entries {
        columns.push(entry);
    }
    sqlx::query_file!(
        "src/store/ledger.sql",
        &columns.keys as _,
        &columns.ids,
        &columns.payments,
        &columns.kinds,
        &columns.outcomes,
        &columns.amounts,
        &columns.currencies as _,
        &columns.codes as _,
        &columns.methods as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Reads what the ledger has under some keys.
pub(super) async fn recorded(
    connection: &mut PgConnection,
    keys: &[&str],
) -> Result<HashMap<String, Recorded>, sqlx::Error> {
    let rows = sqlx::query!(
        "-- ledger.read_by_key
        select l.provider_key, l.provider_id, l.outcome, l.code
        from unnest($1::text[]) as a (provider_key)
        join ledger l on l.provider_key = a.provider_key",
        keys as _,
    )
    .fetch_all(connection)
    .await?;
    let read = |outcome: i16, code: Option<String>| match outcome {
        1 => Ruling::Succeeded,
        _ => Ruling::Declined(code.unwrap_or_default()),
    };
    Ok(rows
        .into_iter()
        .map(|row| {
            let (provider_id, ruling) = (row.provider_id, read(row.outcome, row.code));
            (
                row.provider_key,
                Recorded {
                    provider_id,
                    ruling,
                    is_new: false,
                },
            )
        })
        .collect())
}

/// One array per column.
#[derive(Default)]
struct Columns<'a> {
    keys: Vec<&'a str>,
    ids: Vec<Uuid>,
    payments: Vec<Uuid>,
    kinds: Vec<i16>,
    outcomes: Vec<i16>,
    amounts: Vec<i64>,
    currencies: Vec<&'a str>,
    codes: Vec<Option<&'a str>>,
    methods: Vec<Option<&'a str>>,
}

impl<'a> Columns<'a> {
    fn push(&mut self, entry: &'a Entry) {
        self.keys.push(&entry.provider_key);
        self.ids.push(entry.provider_id);
        self.payments.push(entry.payment_reference);
        self.kinds.push(entry.kind.number());
        self.outcomes.push(entry.ruling.number());
        self.amounts.push(entry.amount_minor_units);
        self.currencies.push(entry.currency_code);
        self.codes.push(entry.ruling.code());
        self.methods.push(entry.payment_method.as_deref());
    }
}
