//! The order service as its callers see it.
//!
//! The rule: one method, one RPC; what repeats calls says so in its name.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use holdfast_proto::order::{
    CancelOrderRequest, CancelOrderResponse, GetOrderRequest, ListOrdersRequest,
    ListOrdersResponse, Order, OrderState, PlaceOrderRequest, PlaceOrderResponse,
    order_service_client::OrderServiceClient,
};
use tonic::{Status, transport::Channel};

use crate::{
    eventually::eventually,
    refusal::{is_unknown, shed_for},
};

/// How long a caller waits for one answer.
const CALL_WITHIN: Duration = Duration::from_secs(60);
/// Between two calls with the same key whose answer is not known.
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(25);
/// How long a page is asked for while the answer is not known.
const READ_WITHIN: Duration = Duration::from_secs(5);
/// Pages of one list at the most.
const PAGES_MAX: usize = 10_000;
/// Orders on a page.
const PAGE_SIZE: i32 = 1_000;

/// A caller of the order service; clones share its connection.
#[derive(Clone, Debug)]
pub struct Orders {
    client: OrderServiceClient<Channel>,
}

impl Orders {
    /// Over this channel.
    pub fn new(channel: Channel) -> Self {
        Self {
            client: OrderServiceClient::new(channel),
        }
    }

    /// The generated client.
    pub fn client(&self) -> OrderServiceClient<Channel> {
        self.client.clone()
    }

    /// Places an order by one call.
    ///
    /// # Errors
    /// The call's status.
    ///
    /// # Cancellation
    /// The order goes on without its caller.
    pub async fn place(
        &self,
        order: impl Into<PlaceOrderRequest>,
    ) -> Result<PlaceOrderResponse, Status> {
        let mut request = tonic::Request::new(order.into());
        request.set_timeout(CALL_WITHIN);
        Ok(self.client().place_order(request).await?.into_inner())
    }

    /// Places an order by one call and gives it.
    ///
    /// # Errors
    /// If the call fails, or there is no order in its answer.
    pub async fn placed(&self, order: impl Into<PlaceOrderRequest>) -> anyhow::Result<Order> {
        let answer = self
            .place(order)
            .await
            .context("the order was not placed")?;
        answer.order.context("an answer without an order")
    }

    /// Places an order by calls under its key until the answer is known: shed calls come back when
    /// they are told to, unknown answers are asked for again. `told` sees every failed call.
    ///
    /// # Errors
    /// A definite refusal, or the last status when the answer was not known by `give_up`.
    pub async fn place_until_known(
        &self,
        order: &PlaceOrderRequest,
        give_up: Instant,
        mut told: impl FnMut(&Status),
    ) -> Result<PlaceOrderResponse, Status> {
        loop {
            let status = match self.place(order.clone()).await {
                Ok(answer) => return Ok(answer),
                Err(status) => status,
            };
            told(&status);
            let shed = shed_for(&status);
            let again = shed.is_some() || is_unknown(&status);
            if !again || Instant::now() >= give_up {
                return Err(status);
            }
            tokio::time::sleep(shed.unwrap_or(ASK_AGAIN_AFTER)).await;
        }
    }

    /// Cancels an order by one call.
    ///
    /// # Errors
    /// The call's status.
    pub async fn cancel(&self, cancel: CancelOrderRequest) -> Result<CancelOrderResponse, Status> {
        let mut request = tonic::Request::new(cancel);
        request.set_timeout(CALL_WITHIN);
        Ok(self.client().cancel_order(request).await?.into_inner())
    }

    /// Reads an order.
    ///
    /// # Errors
    /// The call's status.
    pub async fn get(&self, order_id: &str) -> Result<Order, Status> {
        let request = GetOrderRequest {
            order_id: order_id.into(),
        };
        let answer = self.client().get_order(request).await?.into_inner();
        answer
            .order
            .ok_or_else(|| Status::internal("an answer without an order"))
    }

    /// Reads an order as other calls answer it, which leave out what a cancel would do to it.
    ///
    /// # Errors
    /// The call's status.
    pub async fn reread(&self, order_id: &str) -> Result<Order, Status> {
        let order = self.get(order_id).await?;
        Ok(Order {
            cancellable: None,
            ..order
        })
    }

    /// Reads an order until it is decided; a read whose answer is not known is made again.
    ///
    /// # Errors
    /// If a read is refused, or it is not decided `within` that time.
    pub async fn decided(&self, order_id: &str, within: Duration) -> anyhow::Result<Order> {
        eventually(
            &format!("order {order_id} is decided"),
            within,
            async || match self.get(order_id).await {
                Ok(order) => Ok((order.state() != OrderState::Pending).then_some(order)),
                Err(status) if is_unknown(&status) => Ok(None),
                Err(status) => Err(status.into()),
            },
        )
        .await
    }

    /// Lists all orders that the filter lets through, page by page.
    ///
    /// # Errors
    /// If a call fails, or the pages do not end.
    pub async fn list_all(&self, filter: ListOrdersRequest) -> anyhow::Result<Vec<Order>> {
        let mut request = ListOrdersRequest {
            page_size: PAGE_SIZE,
            ..filter
        };
        let mut orders = Vec::new();
        for _ in 0..PAGES_MAX {
            let page = self.page_until_known(&request).await?;
            orders.extend(page.orders);
            if page.next_page_token.is_empty() {
                return Ok(orders);
            }
            request.page_token = page.next_page_token;
        }
        anyhow::bail!("{PAGES_MAX} pages and no end")
    }

    /// Reads one page, again and again while the answer is not known.
    async fn page_until_known(
        &self,
        request: &ListOrdersRequest,
    ) -> Result<ListOrdersResponse, Status> {
        let give_up = Instant::now() + READ_WITHIN;
        loop {
            match self.client().list_orders(request.clone()).await {
                Ok(page) => return Ok(page.into_inner()),
                Err(status) if is_unknown(&status) && Instant::now() < give_up => {
                    tokio::time::sleep(ASK_AGAIN_AFTER).await;
                }
                Err(status) => return Err(status),
            }
        }
    }

    /// Lists a customer's orders.
    ///
    /// # Errors
    /// If a call fails.
    pub async fn of_customer(&self, customer_id: &str) -> anyhow::Result<Vec<Order>> {
        self.list_all(ListOrdersRequest {
            customer_id: customer_id.into(),
            ..ListOrdersRequest::default()
        })
        .await
    }
}
