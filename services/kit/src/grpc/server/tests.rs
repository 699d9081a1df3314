//! A server with a made-up order service, spoken to as clients speak to it.
//! Each test has a server of its own on a free port; waits are conditions with a deadline.

mod deadlines;
mod drain;
mod platform;
mod transport;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use holdfast_proto::order::order_service_client::OrderServiceClient;
use holdfast_proto::order::order_service_server::{OrderService, OrderServiceServer};
use holdfast_proto::order::{
    CancelOrderRequest, CancelOrderResponse, GetOrderRequest, GetOrderResponse, ListOrdersRequest,
    ListOrdersResponse, Order, PlaceOrderRequest, PlaceOrderResponse, PlaceOrdersRequest,
    PlaceOrdersResponse,
};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_stream::Pending;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;
use tonic::{Request, Response, Status, Streaming};

use super::{Readiness, ServeError, Server, ServerConfig};
use crate::refusal::{Reason, Refusal};
use crate::{deadline, grpc, trace};

/// A condition of a test is given up after this.
const PATIENCE: Duration = Duration::from_secs(10);

const ORDER: &str = "holdfast.order.v1.OrderService";

/// What the made-up service has seen.
#[derive(Default)]
struct Seen {
    started: AtomicUsize,
    ended: AtomicUsize,
    started_now: Notify,
    release: Notify,
}

impl Seen {
    fn started(&self) -> usize {
        self.started.load(Ordering::SeqCst)
    }

    fn ended(&self) -> usize {
        self.ended.load(Ordering::SeqCst)
    }
}

/// Answers GetOrder by what the order id says: "wait" until released, "missing" with a refusal, and
/// everything else at once, with the trace and the deadline of the request.
#[derive(Clone, Default)]
struct Fake(Arc<Seen>);

#[tonic::async_trait]
impl OrderService for Fake {
    type PlaceOrdersStream = Pending<Result<PlaceOrdersResponse, Status>>;

    async fn place_order(
        &self,
        _: Request<PlaceOrderRequest>,
    ) -> Result<Response<PlaceOrderResponse>, Status> {
        panic!("a defect")
    }

    async fn place_orders(
        &self,
        _: Request<Streaming<PlaceOrdersRequest>>,
    ) -> Result<Response<Self::PlaceOrdersStream>, Status> {
        self.0.started.fetch_add(1, Ordering::SeqCst);
        self.0.started_now.notify_one();
        Ok(Response::new(tokio_stream::pending()))
    }

    async fn cancel_order(
        &self,
        _: Request<CancelOrderRequest>,
    ) -> Result<Response<CancelOrderResponse>, Status> {
        Err(Status::unimplemented("not used"))
    }

    async fn get_order(
        &self,
        request: Request<GetOrderRequest>,
    ) -> Result<Response<GetOrderResponse>, Status> {
        self.0.started.fetch_add(1, Ordering::SeqCst);
        self.0.started_now.notify_one();
        match request.get_ref().order_id.as_str() {
            "wait" => self.0.release.notified().await,
            "missing" => return Err(Refusal::new(Reason::OrderNotFound, "no such order").into()),
            _ => {}
        }
        self.0.ended.fetch_add(1, Ordering::SeqCst);
        let order = Order {
            customer_id: trace::of(&request)
                .map(|trace| trace.to_string())
                .unwrap_or_default(),
            version: i64::from(deadline::of(&request).is_some()),
            ..Order::default()
        };
        Ok(Response::new(GetOrderResponse { order: Some(order) }))
    }

    async fn list_orders(
        &self,
        _: Request<ListOrdersRequest>,
    ) -> Result<Response<ListOrdersResponse>, Status> {
        Ok(Response::new(ListOrdersResponse::default()))
    }
}

/// A server that runs.
struct Running {
    address: SocketAddr,
    seen: Arc<Seen>,
    readiness: Readiness,
    shutdown: CancellationToken,
    served: JoinHandle<Result<(), ServeError>>,
}

async fn start_with(drain_max: Duration) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (fake, shutdown) = (Fake::default(), CancellationToken::new());
    let config = ServerConfig {
        drain_max,
        ..ServerConfig::new("test")
    };
    let readiness = config.readiness.clone();
    let seen = Arc::clone(&fake.0);
    let server = Server::new(config).add_service(OrderServiceServer::new(fake));
    let served = tokio::spawn(server.serve(listener, shutdown.clone()));
    Running {
        address,
        seen,
        readiness,
        shutdown,
        served,
    }
}

async fn start() -> Running {
    start_with(grpc::DRAIN_MAX).await
}

impl Running {
    fn channel(&self) -> Channel {
        grpc::channel(&self.address.to_string()).unwrap()
    }

    fn client(&self) -> OrderServiceClient<Channel> {
        OrderServiceClient::new(self.channel())
    }

    async fn stopped(self) {
        self.shutdown.cancel();
        tokio::time::timeout(PATIENCE, self.served)
            .await
            .unwrap()
            .unwrap()
            .unwrap();
    }
}

fn get(order_id: &str) -> Request<GetOrderRequest> {
    Request::new(GetOrderRequest {
        order_id: order_id.to_owned(),
    })
}
