//! ListOrders: newest first, page by page.

use chrono::{DateTime, Utc};
use holdfast_kit::{
    id::OrderId,
    page,
    refusal::Refusal,
    time,
    validate::{self, Violations},
};
use holdfast_proto::order as wire;
use tonic::{Response, Status};

use super::get_order::unread;
use crate::{
    convert::{self, View},
    store::{Filter, Reads},
};

pub(super) async fn list_orders(
    reads: &Reads,
    request: wire::ListOrdersRequest,
) -> Result<Response<wire::ListOrdersResponse>, Status> {
    let filters = (
        &request.customer_id,
        &request.states,
        request.start_time.map(|time| (time.seconds, time.nanos)),
        request.end_time.map(|time| (time.seconds, time.nanos)),
    );
    let (filter, view) = read(&request)?;
    let before = page::decode::<OrderId>(&request.page_token, &filters)?;
    let mut filter = Filter { before, ..filter };
    let size = filter.limit;
    // One more than the page holds tells whether there is a next one.
    filter.limit = size + 1;
    let mut orders = reads.list(&filter).await.map_err(|error| unread(&error))?;
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let more = orders.len() > size;
    orders.truncate(size);
    let next_page_token = match orders.last() {
        Some(last) if more => page::encode(&last.id, &filters),
        _ => String::new(),
    };
    let orders = orders
        .iter()
        .map(|order| convert::order(order, view))
        .collect();
    Ok(Response::new(wire::ListOrdersResponse {
        orders,
        next_page_token,
    }))
}

fn read(request: &wire::ListOrdersRequest) -> Result<(Filter, View), Refusal> {
    let mut v = Violations::new();
    let customer_id = (!request.customer_id.is_empty()).then(|| request.customer_id.clone());
    if let Some(customer_id) = &customer_id {
        validate::caller_id(&mut v, "customer_id", customer_id);
    }
    let states = convert::states(&mut v, &request.states);
    let start_time = instant(&mut v, "start_time", request.start_time.as_ref());
    let end_time = instant(&mut v, "end_time", request.end_time.as_ref());
    let limit = page::size(&mut v, "page_size", request.page_size);
    let view = match validate::known::<wire::OrderView>(&mut v, "view", request.view) {
        Some(wire::OrderView::Full) => View::Full,
        Some(wire::OrderView::Unspecified | wire::OrderView::Basic) | None => View::Basic,
    };
    v.into_result()?;
    let filter = Filter {
        customer_id,
        states,
        start_time,
        end_time,
        before: None,
        limit,
    };
    Ok((filter, view))
}

fn instant(
    v: &mut Violations,
    field: &str,
    wire: Option<&prost_types::Timestamp>,
) -> Option<DateTime<Utc>> {
    let read = time::from_wire(wire?);
    if read.is_none() {
        v.push(field, "a time between the years 1 and 9999");
    }
    read
}
