//! CancelOrder: one order, cancelled or told about.

use holdfast_kit::deadline;
use holdfast_proto::order as wire;
use tonic::{Request, Response, Status};

use crate::{
    canceller::Canceller,
    convert::{self, AskedCancel, View},
};

pub(super) async fn cancel_order(
    canceller: &Canceller,
    request: Request<wire::CancelOrderRequest>,
) -> Result<Response<wire::CancelOrderResponse>, Status> {
    let deadline = deadline::of(&request);
    let cancelled = match convert::cancel(request.into_inner())? {
        AskedCancel::Do(item) => canceller.cancel(item, deadline).await?,
        AskedCancel::Tell {
            target,
            expected_version,
        } => canceller.tell(&target, expected_version).await?,
    };
    let order = &cancelled.order;
    Ok(Response::new(wire::CancelOrderResponse {
        order: Some(convert::order(order, View::Full)),
        plan: cancelled.plan.map(|plan| convert::cancel_plan(order, plan)),
        replayed: cancelled.replayed,
    }))
}
