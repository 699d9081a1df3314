//! What every service has beside its own RPCs: health, reflection, and a side port.

use std::net::SocketAddr;

use anyhow::Context as _;
use futures::{StreamExt as _, stream};
use holdfast_tests::{
    cluster::Cluster,
    http,
    placement::{Placement, unique},
};
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tonic_reflection::pb::{v1, v1alpha};

use crate::CLUSTER;

const SERVICES: [&str; 3] = [
    "holdfast.order.v1.OrderService",
    "holdfast.inventory.v1.InventoryService",
    "holdfast.payment.v1.PaymentService",
];

/// Each service's name and where it answers.
fn services(cluster: &Cluster) -> [(&'static str, SocketAddr); 3] {
    let addresses = [
        cluster.order_address(0),
        cluster.inventory_address(),
        cluster.payment_address(),
    ];
    let [order, inventory, payment] = addresses.map(|address| address.grpc);
    let [a, b, c] = SERVICES;
    [(a, order), (b, inventory), (c, payment)]
}

async fn connect(address: SocketAddr) -> anyhow::Result<Channel> {
    Ok(Endpoint::from_shared(format!("http://{address}"))?
        .connect()
        .await?)
}

#[tokio::test]
async fn every_service_says_that_it_serves() -> anyhow::Result<()> {
    CLUSTER
        .run(async |cluster| {
            for (name, address) in services(cluster) {
                let mut client = HealthClient::new(connect(address).await?);
                for service in ["", name] {
                    let request = HealthCheckRequest {
                        service: service.into(),
                    };
                    let answer = client.check(request).await?.into_inner();
                    assert_eq!(
                        answer.status(),
                        ServingStatus::Serving,
                        "{name} of {service:?}"
                    );
                }
                let request = HealthCheckRequest {
                    service: "holdfast.Nobody".into(),
                };
                let status = client.check(request).await.unwrap_err();
                assert_eq!(status.code(), tonic::Code::NotFound);
            }
            Ok(())
        })
        .await
}

#[tokio::test]
async fn reflection_lists_each_service_and_describes_the_error_details() -> anyhow::Result<()> {
    use v1::{
        ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
        server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
    };
    CLUSTER
        .run(async |cluster| {
            for (name, address) in services(cluster) {
                let mut client = ServerReflectionClient::new(connect(address).await?);
                let symbols = [
                    name,
                    "google.rpc.ErrorInfo",
                    "google.rpc.BadRequest",
                    "holdfast.type.v1.Refusal",
                ];
                let ask = |request| ServerReflectionRequest {
                    host: String::new(),
                    message_request: Some(request),
                };
                let list = ask(MessageRequest::ListServices(String::new()));
                let files = symbols.map(|it| ask(MessageRequest::FileContainingSymbol(it.into())));
                let requests = stream::iter(std::iter::once(list).chain(files));
                let mut answers = client.server_reflection_info(requests).await?.into_inner();
                let first = answers.next().await.context("an answer")??;
                let Some(MessageResponse::ListServicesResponse(list)) = first.message_response
                else {
                    anyhow::bail!("{name}: {first:?}");
                };
                assert!(
                    list.service.iter().any(|service| service.name == name),
                    "{list:?}"
                );
                for symbol in symbols {
                    let answer = answers.next().await.context("an answer")??;
                    let described = matches!(
                        answer.message_response,
                        Some(MessageResponse::FileDescriptorResponse(_))
                    );
                    assert!(described, "{name} does not describe {symbol}");
                }
            }
            Ok(())
        })
        .await
}

#[tokio::test]
async fn older_clients_find_reflection_too() -> anyhow::Result<()> {
    use v1alpha::{
        ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
        server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
    };
    CLUSTER
        .run(async |cluster| {
            for (name, address) in services(cluster) {
                let mut client = ServerReflectionClient::new(connect(address).await?);
                let request = ServerReflectionRequest {
                    host: String::new(),
                    message_request: Some(MessageRequest::FileContainingSymbol(name.into())),
                };
                let requests = stream::iter([request]);
                let mut answers = client.server_reflection_info(requests).await?.into_inner();
                let answer = answers.next().await.context("an answer")??;
                assert!(matches!(
                    answer.message_response,
                    Some(MessageResponse::FileDescriptorResponse(_))
                ));
            }
            Ok(())
        })
        .await
}

#[tokio::test]
async fn the_side_port_says_how_it_is_and_counts_what_it_did() -> anyhow::Result<()> {
    CLUSTER
        .run(async |cluster| {
            let side = cluster.order_address(0).side;
            for path in ["/livez", "/readyz"] {
                assert_eq!(http::get(side, path).await?.status, 200, "{path}");
            }
            assert_eq!(http::get(side, "/nothing").await?.status, 404);
            let before = http::get(side, "/metrics").await?;
            assert_eq!(before.status, 200);
            let sku = cluster.warehouse()?.sku(1).await?;
            cluster
                .orders()?
                .placed(Placement::of(&unique("customer")).line(&sku, 1))
                .await?;
            let after = http::get(side, "/metrics").await?;
            let name = "grpc_server_calls_total";
            let calls = |page: &http::Page| http::metric(&page.body, name);
            assert!(calls(&after) > calls(&before), "{name} does not count");
            Ok(())
        })
        .await
}
