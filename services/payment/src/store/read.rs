//! What the reading RPCs show: one payment, whole, as of one snapshot.

use holdfast_kit::id::PaymentId;
use sqlx::PgPool;

use super::load::{self, Keys};
use crate::domain::Payment;

/// Reads a payment with its operations; none if there is no such payment.
///
/// # Errors
/// Whatever the database says.
pub(crate) async fn payment(pool: &PgPool, id: PaymentId) -> Result<Option<Payment>, sqlx::Error> {
    let mut snapshot = pool
        .begin_with("begin isolation level repeatable read, read only")
        .await?;
    let mut loaded = load::payments(&mut snapshot, &Keys::of([id])).await?;
    snapshot.commit().await?;
    Ok(loaded.payments.remove(&id))
}
