//! CancelOrder: one order, cancelled or told about.

use holdfast_kit::{
    deadline,
    refusal::{CallError, Refusal},
};
use holdfast_proto::order as wire;
use tonic::{Request, Response, Status};

use super::get_order::unread;
use crate::{
    canceller::Canceller,
    convert::{self, AskedCancel, View},
    domain::{CancelPlan, Order, Target, cancel},
    store::Reads,
};

pub(super) async fn cancel_order(
    canceller: &Canceller,
    reads: &Reads,
    request: Request<wire::CancelOrderRequest>,
) -> Result<Response<wire::CancelOrderResponse>, Status> {
    let deadline = deadline::of(&request);
    let response = match convert::cancel(request.into_inner())? {
        AskedCancel::Do(item) => {
            let cancelled = canceller.cancel(item, deadline).await?;
            response(&cancelled.order, cancelled.plan, cancelled.replayed)
        }
        AskedCancel::Tell {
            target,
            expected_version,
        } => {
            let order = told(reads, &target, expected_version).await?;
            response(&order, CancelPlan::of(&order), false)
        }
    };
    Ok(Response::new(response))
}

/// The order that a dry run is about, at the version that it is to be at.
async fn told(
    reads: &Reads,
    target: &Target,
    expected_version: Option<i64>,
) -> Result<Order, CallError> {
    let order = reads.target(target).await.map_err(|error| unread(&error))?;
    let order = order.ok_or_else(Order::not_found)?;
    cancel(&order, expected_version).map_err(Refusal::from)?;
    Ok(order)
}

fn response(order: &Order, plan: Option<CancelPlan>, replayed: bool) -> wire::CancelOrderResponse {
    wire::CancelOrderResponse {
        order: Some(convert::order(order, View::Full)),
        plan: plan.map(|plan| convert::cancel_plan(order, plan)),
        replayed,
    }
}
