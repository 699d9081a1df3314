//! Money: the payment service as an operator sees it, and the provider's own ledger.
//!
//! The rule: what moved is read where it moved, at the provider, and never from the service that
//! asked for it.

use anyhow::Context as _;
use holdfast_proto::payment::{
    GetPaymentRequest, Payment, payment_service_client::PaymentServiceClient,
};
use sqlx::{PgConnection, Row as _};
use tonic::{Status, transport::Channel};
use uuid::Uuid;

/// A caller of the payment service; clones share its connection.
#[derive(Clone, Debug)]
pub struct Payments {
    client: PaymentServiceClient<Channel>,
}

impl Payments {
    /// Over this channel.
    pub fn new(channel: Channel) -> Self {
        Self {
            client: PaymentServiceClient::new(channel),
        }
    }

    /// Reads a payment; an order's has the order's id.
    ///
    /// # Errors
    /// The call's status.
    pub async fn get(&self, payment_id: &str) -> Result<Payment, Status> {
        let request = GetPaymentRequest {
            payment_id: payment_id.into(),
        };
        let answer = self.client.clone().get_payment(request).await?.into_inner();
        answer
            .payment
            .ok_or_else(|| Status::internal("an answer without a payment"))
    }
}

/// What the provider did for one payment: how often each thing succeeded, and what moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// Successful authorizations.
    pub authorizations: i64,
    /// Successful charges.
    pub charges: i64,
    /// Successful captures.
    pub captures: i64,
    /// Successful voids.
    pub voids: i64,
    /// Successful refunds.
    pub refunds: i64,
    /// What was declined, of any kind.
    pub declines: i64,
    /// Charged and captured, minus refunded, in minor units.
    pub net: i64,
}

/// Reads what the provider did for a payment.
///
/// # Errors
/// If the ledger cannot be read.
pub async fn moved(provider: &mut PgConnection, payment_id: &str) -> anyhow::Result<Moved> {
    let row = sqlx::query(
        "-- tests: what the provider did for a payment
        select
            count(*) filter (where l.kind = 1 and l.outcome = 1) as authorizations,
            count(*) filter (where l.kind = 2 and l.outcome = 1) as charges,
            count(*) filter (where l.kind = 3 and l.outcome = 1) as captures,
            count(*) filter (where l.kind = 4 and l.outcome = 1) as voids,
            count(*) filter (where l.kind = 5 and l.outcome = 1) as refunds,
            count(*) filter (where l.outcome = 2) as declines,
            coalesce(sum(
                case l.kind
                    when 2 then l.amount_minor_units
                    when 3 then l.amount_minor_units
                    when 5 then -l.amount_minor_units
                    else 0
                end
            ) filter (where l.outcome = 1), 0)::bigint as net
        from ledger l
        where l.payment_reference = $1",
    )
    .bind(Uuid::try_parse(payment_id).context("a payment's id is a UUID")?)
    .fetch_one(provider)
    .await?;
    Ok(Moved {
        authorizations: row.get("authorizations"),
        charges: row.get("charges"),
        captures: row.get("captures"),
        voids: row.get("voids"),
        refunds: row.get("refunds"),
        declines: row.get("declines"),
        net: row.get("net"),
    })
}
