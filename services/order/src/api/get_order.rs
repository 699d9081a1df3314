//! GetOrder: one order in full.

use holdfast_kit::{
    id::OrderId,
    refusal::Unknown,
    validate::{self, Violations},
};
use holdfast_proto::order as wire;
use tonic::{Response, Status};

use crate::{
    convert::{self, View},
    domain::{CancelPlan, Order},
    store::Reads,
};

pub(super) async fn get_order(
    reads: &Reads,
    request: &wire::GetOrderRequest,
) -> Result<Response<wire::GetOrderResponse>, Status> {
    let mut v = Violations::new();
    let id = validate::system_id::<OrderId>(&mut v, "order_id", &request.order_id);
    v.into_result()?;
    let id = id.ok_or_else(Order::not_found)?;
    let orders = reads.by_id(&[id]).await.map_err(|error| unread(&error))?;
    let order = orders.first().ok_or_else(Order::not_found)?;
    let cancellable = CancelPlan::of(order).map(|plan| convert::cancel_plan(order, plan));
    let order = wire::Order {
        cancellable,
        ..convert::order(order, View::Full)
    };
    Ok(Response::new(wire::GetOrderResponse { order: Some(order) }))
}

/// The answer to a read that failed; the log has the cause.
pub(super) fn unread(error: &sqlx::Error) -> Unknown {
    tracing::warn!(%error, "orders not read");
    match error {
        sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. } => Unknown::internal(),
        _ => Unknown::database_unavailable(),
    }
}
