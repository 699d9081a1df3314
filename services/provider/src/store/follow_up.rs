//! Captures, voids and refunds: what follows an authorization, measured against it under its lock,
//! so that the provider too never pays back more than it took. Look-ups by key read along.

use std::collections::{HashMap, HashSet};

use holdfast_payment::gateway::{Action, Call};
use saga_batch::Command;
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use super::ledger;
use crate::{
    entry::{Entry, Kind, Recorded, Ruling},
    token::Token,
};

/// The batch command that decides follow-ups.
#[derive(Debug)]
pub(crate) struct FollowUps;

/// A call that follows an authorization, or a look-up of any call.
#[derive(Clone, Debug)]
pub(crate) enum FollowUp {
    /// Do it, unless the token's script for refunds has to be gone through first.
    Decide(Call),
    /// Do it; its script is through.
    DecideNow(Call),
    /// Only say what the ledger has.
    LookUp(Call),
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FollowUpReply {
    /// It is in the ledger.
    Recorded(Recorded),
    /// So many calls of this refund must fail first.
    FailFirst(u32),
    /// The ledger has no trace of it.
    NoTrace,
}

impl FollowUp {
    fn call(&self) -> &Call {
        match self {
            Self::Decide(call) | Self::DecideNow(call) | Self::LookUp(call) => call,
        }
    }
}

/// What one payment has in the ledger, in minor units.
#[derive(Debug, Default)]
struct Account {
    authorization: Option<Authorization>,
    captured: i64,
    voided: i64,
    refunded: i64,
}

#[derive(Debug)]
struct Authorization {
    provider_id: Uuid,
    amount: i64,
    currency_code: String,
    token: Token,
}

impl Command for FollowUps {
    type Item = FollowUp;
    type Reply = FollowUpReply;

    const NAME: &'static str = "provider_follow_ups";

    async fn execute(
        &self,
        connection: &mut PgConnection,
        items: &[FollowUp],
    ) -> Result<Vec<FollowUpReply>, sqlx::Error> {
        decide(connection, items).await
    }
}

/// Decides a batch in one transaction. If another process writes one of its keys meanwhile, which
/// only an unknown payment allows, as it has nothing to lock, the writer runs it again on what is
/// there then.
async fn decide(
    connection: &mut PgConnection,
    items: &[FollowUp],
) -> Result<Vec<FollowUpReply>, sqlx::Error> {
    let mut transaction = connection.begin().await?;
    let mut accounts = locked_accounts(&mut transaction, items).await?;
    let keys: Vec<&str> = items.iter().map(|item| item.call().key.as_str()).collect();
    let mut known = ledger::recorded(&mut transaction, &keys).await?;
    let mut entries = Vec::new();
    let mut replies = Vec::with_capacity(items.len());
    for item in items {
        let call = item.call();
        let account = accounts.entry(call.payment_id.as_uuid()).or_default();
        replies.push(match (known.get(call.key.as_str()), item) {
            (Some(recorded), _) => FollowUpReply::Recorded(recorded.clone()),
            (None, FollowUp::LookUp(_)) => FollowUpReply::NoTrace,
            (None, FollowUp::Decide(_)) if account.refund_failures(call) > 0 => {
                FollowUpReply::FailFirst(account.refund_failures(call))
            }
            (None, FollowUp::Decide(_) | FollowUp::DecideNow(_)) => {
                let entry = Entry::new(call, account.decide(call));
                let recorded = entry.recorded();
                known.insert(entry.provider_key.clone(), recorded.repeated());
                entries.push(entry);
                FollowUpReply::Recorded(recorded)
            }
        });
    }
    ledger::insert(&mut transaction, &entries.iter().collect::<Vec<_>>()).await?;
    transaction.commit().await?;
    Ok(replies)
}

/// Locks the authorizations of the payments concerned, then reads what followed them.
async fn locked_accounts(
    connection: &mut PgConnection,
    items: &[FollowUp],
) -> Result<HashMap<Uuid, Account>, sqlx::Error> {
    let payments: HashSet<Uuid> = items
        .iter()
        .map(|item| item.call().payment_id.as_uuid())
        .collect();
    let payments: Vec<Uuid> = payments.into_iter().collect();
    let authorizations = sqlx::query!(
        "-- ledger.lock_authorizations
        select
            l.payment_reference,
            l.provider_id,
            l.kind,
            l.amount_minor_units,
            l.currency_code,
            l.payment_method
        from unnest($1::uuid[]) as a (payment_reference)
        join ledger l on l.payment_reference = a.payment_reference
        where l.kind in (1, 2)
            and l.outcome = 1
        order by l.provider_key
        for update of l",
        &payments,
    )
    .fetch_all(&mut *connection)
    .await?;
    let followed = sqlx::query!(
        r#"-- ledger.sum_follow_ups
        select l.payment_reference, l.kind, sum(l.amount_minor_units)::bigint as "amount!"
        from unnest($1::uuid[]) as a (payment_reference)
        join ledger l on l.payment_reference = a.payment_reference
        where l.kind in (3, 4, 5)
            and l.outcome = 1
        group by l.payment_reference, l.kind"#,
        &payments,
    )
    .fetch_all(connection)
    .await?;
    let mut accounts: HashMap<Uuid, Account> = HashMap::with_capacity(payments.len());
    for row in authorizations {
        let account = accounts.entry(row.payment_reference).or_default();
        if row.kind == Kind::Charge.number() {
            account.captured += row.amount_minor_units;
        }
        account.authorization = Some(Authorization {
            provider_id: row.provider_id,
            amount: row.amount_minor_units,
            currency_code: row.currency_code,
            token: Token::parse(&row.payment_method.unwrap_or_default()),
        });
    }
    for row in followed {
        let account = accounts.entry(row.payment_reference).or_default();
        match row.kind {
            3 => account.captured += row.amount,
            4 => account.voided += row.amount,
            _ => account.refunded += row.amount,
        }
    }
    Ok(accounts)
}

impl Account {
    /// How many calls of this refund the payment's token makes fail.
    fn refund_failures(&self, call: &Call) -> u32 {
        match (&call.action, self.authorization.as_ref().map(|it| it.token)) {
            (Action::Refund { .. }, Some(Token::RefundErrorThenOk(failures))) => failures,
            _ => 0,
        }
    }

    /// Decides a follow-up and takes it into the account.
    fn decide(&mut self, call: &Call) -> Ruling {
        let (Action::Capture { reference }
        | Action::Void { reference }
        | Action::Refund { reference }) = &call.action
        else {
            return Ruling::declined("not_a_follow_up");
        };
        let Some(authorization) = &self.authorization else {
            return Ruling::declined("unknown_payment");
        };
        if authorization.provider_id.to_string() != *reference {
            return Ruling::declined("unknown_payment");
        }
        if authorization.currency_code != call.amount.currency.as_str() {
            return Ruling::declined("currency_mismatch");
        }
        let uncaptured = authorization.amount - self.captured - self.voided;
        let is_capture_declined = authorization.token == Token::CaptureDecline;
        let amount = call.amount.minor_units;
        let (left, total) = match Kind::of(&call.action) {
            Kind::Capture if is_capture_declined => return Ruling::declined("capture_declined"),
            Kind::Authorize | Kind::Charge | Kind::Capture => (uncaptured, &mut self.captured),
            Kind::Void => (uncaptured, &mut self.voided),
            Kind::Refund => (self.captured - self.refunded, &mut self.refunded),
        };
        if amount > left {
            return Ruling::declined("amount_too_large");
        }
        *total += amount;
        Ruling::Succeeded
    }
}
