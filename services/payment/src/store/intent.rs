//! The intent: the row that makes a payment, with its provider's key, committed before the provider
//! is asked. The first one for a payment's id is stored; every other is told what is there.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use holdfast_kit::id::PaymentId;
use saga_batch::{Command, NewKeys};
use sqlx::PgConnection;

use super::load::{self, Keys, Undecodable};
use crate::domain::{Authorization, Payment, Provider, ProviderKey};

/// An id that was made longer ago makes no payment any more: tombstones are kept this long, so that
/// after it nobody can tell that the payment was not reversed. The inventory keeps its tombstones
/// as long.
pub const KEY_AGE_MAX: Duration = Duration::from_hours(7 * 24);

/// The batch command that stores intents.
#[derive(Debug)]
pub(crate) struct Intents {
    /// Which provider the payments are at.
    pub(crate) provider: Provider,
    /// Whether the payments of a batch are presumed to be new.
    pub(crate) new_keys: NewKeys,
}

/// What came of storing an intent.
#[derive(Debug)]
pub(crate) enum IntentReply {
    /// It is stored; the provider can be asked.
    Stored,
    /// The payment is there already; with its first operation alone.
    Found(Box<Payment>),
    /// The payment is there and its row cannot be read: a defect, and nobody else's trouble.
    Undecodable,
    /// There is no such payment, and its id is too old to make one.
    TooOld,
}

impl Command for Intents {
    type Item = Arc<Authorization>;
    type Reply = IntentReply;

    const NAME: &'static str = "payment_intents";
    const KEYS: Option<&str> = Some("payments_pkey");

    async fn execute(
        &self,
        connection: &mut PgConnection,
        items: &[Arc<Authorization>],
    ) -> Result<Vec<IntentReply>, sqlx::Error> {
        let mut found = HashMap::new();
        if !self.new_keys.presumed() {
            let keys = Keys::of(items.iter().map(|item| item.payment_id));
            found = load::first_operations(connection, &keys).await?;
        }
        let stored = self.insert(connection, items, &found).await;
        let mut stored = self.new_keys.learn(stored)?;
        let mut taken = stored.clone();
        let rest = items.iter().map(|it| it.payment_id);
        let rest: Vec<PaymentId> = rest
            .filter(|id| !taken.remove(id) && !found.contains_key(id))
            .collect();
        if !rest.is_empty() {
            found.extend(load::first_operations(connection, &Keys::of(rest)).await?);
        }
        let reply = |item: &Arc<Authorization>| {
            if stored.remove(&item.payment_id) {
                IntentReply::Stored
            } else {
                match found.get(&item.payment_id) {
                    Some(Ok(payment)) => IntentReply::Found(Box::new(payment.clone())),
                    Some(Err(Undecodable)) => IntentReply::Undecodable,
                    None => IntentReply::TooOld,
                }
            }
        };
        Ok(items.iter().map(reply).collect())
    }
}

/// One array per column.
#[derive(Default)]
struct Columns<'a> {
    shards: Vec<i16>,
    ids: Vec<uuid::Uuid>,
    currencies: Vec<&'a str>,
    amounts: Vec<i64>,
    customers: Vec<&'a str>,
    methods: Vec<&'a str>,
    auto_captures: Vec<bool>,
    request_ids: Vec<Option<&'a str>>,
    keys: Vec<ProviderKey>,
    key_times: Vec<chrono::DateTime<chrono::Utc>>,
}

impl<'a> Columns<'a> {
    fn push(&mut self, item: &'a Authorization) {
        self.shards.push(item.payment_id.shard().get());
        self.ids.push(item.payment_id.as_uuid());
        self.currencies.push(item.amount.currency.as_str());
        self.amounts.push(item.amount.minor_units);
        self.customers.push(&item.customer_id);
        self.methods.push(&item.payment_method);
        self.auto_captures.push(item.auto_capture);
        self.request_ids
            .push(Some(item.request_id.as_str()).filter(|id| !id.is_empty()));
        self.keys.push(item.first_key());
        self.key_times
            .push(item.payment_id.create_time().unwrap_or_default());
    }
}

impl Intents {
    /// Inserts the first intent of each payment that was not found, and says which are stored.
    async fn insert(
        &self,
        connection: &mut PgConnection,
        items: &[Arc<Authorization>],
        found: &HashMap<PaymentId, Result<Payment, Undecodable>>,
    ) -> Result<HashSet<PaymentId>, sqlx::Error> {
        let mut seen = HashSet::with_capacity(items.len());
        let mut columns = Columns::default();
        for item in items {
            if !found.contains_key(&item.payment_id) && seen.insert(item.payment_id) {
                columns.push(item);
            }
        }
        let keys: Vec<&str> = columns.keys.iter().map(ProviderKey::as_str).collect();
        let new = sqlx::query_file_scalar!(
            "src/store/intents.sql",
            self.provider.number(),
            &columns.shards,
            &columns.ids,
            &columns.currencies as _,
            &columns.amounts,
            &columns.customers as _,
            &columns.methods as _,
            &columns.auto_captures,
            &columns.request_ids as _,
            &keys as _,
            &columns.key_times,
            KEY_AGE_MAX.as_secs_f64(),
        )
        .fetch_all(connection)
        .await?;
        Ok(new.into_iter().map(PaymentId::from_uuid).collect())
    }
}
