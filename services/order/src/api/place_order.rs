//! PlaceOrder: one order, one answer.

use holdfast_kit::{deadline, trace};
use holdfast_proto::order as wire;
use tonic::{Request, Response, Status};

use crate::{
    convert::{self, View},
    placer::Placer,
};

pub(super) async fn place_order(
    placer: &Placer,
    request: Request<wire::PlaceOrderRequest>,
) -> Result<Response<wire::PlaceOrderResponse>, Status> {
    let deadline = deadline::of(&request);
    let trace = trace::of(&request);
    let asked = convert::placement(request.into_inner())?;
    let (order, replayed) = placer.place(asked, deadline, trace).await?;
    let order = convert::order(&order, View::Full);
    Ok(Response::new(wire::PlaceOrderResponse {
        order: Some(order),
        replayed,
    }))
}
