//! Places the orders and keeps count of what came of each.
//!
//! The rule: an order is called until its answer is known; then it is decided, refused, or, when
//! patience has ended, counted as unknown.

mod count;

use std::time::{Duration, Instant};

use futures::{StreamExt as _, stream};
use holdfast::client::{seed_of, until_known};
use holdfast_kit::refusal::CallError;
use holdfast_proto::{
    order::{
        OrderLine, PlaceOrderRequest, PlaceOrderResponse, Priority,
        order_service_client::OrderServiceClient,
    },
    types::Money,
};
use indicatif::{ProgressBar, ProgressStyle};
use tonic::{Request, transport::Channel};

use super::plan::{Order, Plan};

pub(super) use count::Placed;

/// How long an order may take to be decided. A slow machine is not the shop's fault.
const DECIDE_WITHIN: prost_types::Duration = prost_types::Duration {
    seconds: 600,
    nanos: 0,
};
/// How long one call may take before it is made again.
const CALL_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a call is made again and again.
const PATIENCE: Duration = Duration::from_secs(900);
/// The currency of the data set.
const CURRENCY: &str = "GBP";
/// A token that every shop's provider takes.
const PAYMENT_METHOD: &str = "tok_ok";

/// When orders are sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Pace {
    /// As fast as they go.
    Max,
    /// One each so many seconds.
    Every(Duration),
}

impl Pace {
    /// Reads `50/s`, `50` or `max`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text == "max" {
            return Ok(Self::Max);
        }
        let number = text.strip_suffix("/s").unwrap_or(text);
        let rate: f64 = number
            .parse()
            .map_err(|_| "a number of orders a second".to_owned())?;
        if !(0.001..=1e6).contains(&rate) {
            return Err("0.001 to 1,000,000 orders a second".to_owned());
        }
        Ok(Self::Every(Duration::from_secs_f64(1.0 / rate)))
    }

    /// Waits until order number `index` is due, on a schedule that does not slip.
    async fn wait(self, begun: Instant, index: u32) {
        if let Self::Every(gap) = self {
            tokio::time::sleep_until((begun + gap * index).into()).await;
        }
    }
}

/// Places every order of the plan.
///
/// # Cancellation
/// Orders that were accepted go on; placing the plan again answers with them.
pub(super) async fn all(order: Channel, plan: &Plan, in_flight: usize, pace: Pace) -> Placed {
    let client = OrderServiceClient::new(order);
    let bar = bar("orders", plan.orders.len());
    let begun = Instant::now();
    let mut placed = Placed::default();
    let mut answers = stream::iter(plan.orders.iter().zip(0..))
        .map(|(order, index)| {
            let (client, request) = (client.clone(), request(order, plan));
            async move {
                pace.wait(begun, index).await;
                (order, place(client, request).await)
            }
        })
        .buffer_unordered(in_flight);
    while let Some((order, answer)) = answers.next().await {
        placed.add(order, answer);
        bar.inc(1);
    }
    bar.finish_and_clear();
    placed
}

async fn place(
    client: OrderServiceClient<Channel>,
    request: PlaceOrderRequest,
) -> Result<PlaceOrderResponse, CallError> {
    let seed = seed_of(&request.request_id);
    let call = || {
        let mut client = client.clone();
        let mut request = Request::new(request.clone());
        request.set_timeout(CALL_TIMEOUT);
        async move { client.place_order(request).await }
    };
    until_known(seed, PATIENCE, call).await
}

fn request(order: &Order, plan: &Plan) -> PlaceOrderRequest {
    let line = |line: &super::plan::Line| OrderLine {
        sku: plan.skus[line.sku].name.clone(),
        quantity: line.quantity,
        unit_price: Some(Money {
            currency_code: CURRENCY.to_owned(),
            minor_units: line.unit_price,
        }),
        ..OrderLine::default()
    };
    PlaceOrderRequest {
        customer_id: order.customer_id.clone(),
        lines: order.lines.iter().map(line).collect(),
        payment_method: PAYMENT_METHOD.to_owned(),
        request_id: order.request_id.clone(),
        // Old orders yield to new ones.
        priority: Priority::Low.into(),
        decide_within: Some(DECIDE_WITHIN),
        ..PlaceOrderRequest::default()
    }
}

/// A bar on standard error, if that is a terminal.
pub(super) fn bar(what: &'static str, length: usize) -> ProgressBar {
    let template = "{msg:>8} {bar:40} {pos}/{len} {per_sec}";
    let style = ProgressStyle::with_template(template).expect("the template is a constant");
    ProgressBar::new(length as u64)
        .with_style(style)
        .with_message(what)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use holdfast_proto::order::Priority;

    use super::{Pace, request};
    use crate::replay::plan::Plan;

    #[test]
    fn rates_are_read_with_and_without_their_unit() {
        let every = |millis| Ok(Pace::Every(Duration::from_millis(millis)));
        assert_eq!(Pace::parse("50/s"), every(20));
        assert_eq!(Pace::parse("0.5"), every(2_000));
        assert_eq!(Pace::parse("max"), Ok(Pace::Max));
        for bad in ["", "fast", "0", "-1/s", "NaN", "inf", "1e9", "50/m"] {
            assert!(Pace::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_same_file_gives_the_same_body_under_the_same_key() {
        let content = "InvoiceNo,StockCode,Description,Quantity,UnitPrice,CustomerID\n\
            536365,85123A,HOLDER,6,2.55,17850\n536365,85123A,HOLDER,2,2.10,17850\n";
        let body = || {
            let plan = Plan::read(content.as_bytes()).unwrap();
            request(&plan.orders[0], &plan)
        };
        let request = body();
        assert_eq!(request, body());
        assert_eq!(request.request_id, "invoice-536365");
        assert_eq!(request.customer_id, "17850");
        assert_eq!(request.priority(), Priority::Low);
        let lines: Vec<_> = request
            .lines
            .iter()
            .map(|line| {
                (
                    line.sku.as_str(),
                    line.quantity,
                    line.unit_price.clone().unwrap(),
                )
            })
            .map(|(sku, quantity, price)| (sku, quantity, price.currency_code, price.minor_units))
            .collect();
        let gbp = || "GBP".to_owned();
        assert_eq!(
            lines,
            [("85123A", 6, gbp(), 255), ("85123A", 2, gbp(), 210)]
        );
    }
}
