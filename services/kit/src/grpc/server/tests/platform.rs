//! Health, reflection, refusals and metrics, as tools see them.
//! Both reflection versions are asked the same questions.

use prost::Message;
use prost_types::FileDescriptorProto;
use tokio_stream::StreamExt;
use tonic::Code;
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::{v1, v1alpha};

use super::{Fake, ORDER, OrderServiceServer, ServeError, Server, ServerConfig, get, start};
use crate::refusal::{Reason, Refusal};

#[tokio::test]
async fn health_answers_for_each_service_and_for_the_whole_server() {
    let running = start().await;
    let mut client = HealthClient::new(running.channel());
    for name in ["", ORDER] {
        let request = HealthCheckRequest {
            service: name.to_owned(),
        };
        let answer = client.check(request).await.unwrap().into_inner();
        assert_eq!(answer.status(), ServingStatus::Serving, "{name:?}");
    }
    let request = HealthCheckRequest {
        service: "elsewhere".to_owned(),
    };
    assert_eq!(
        client.check(request).await.unwrap_err().code(),
        Code::NotFound
    );
    running.stopped().await;
}

macro_rules! questions {
    ($version:ident, $wire:ident) => {
        mod $version {
            use super::$wire::server_reflection_client::ServerReflectionClient;
            use super::$wire::server_reflection_request::MessageRequest;
            use super::$wire::server_reflection_response::MessageResponse;
            use super::{Channel, FileDescriptorProto, Message, StreamExt};

            async fn ask(channel: &Channel, question: MessageRequest) -> MessageResponse {
                let request = super::$wire::ServerReflectionRequest {
                    host: String::new(),
                    message_request: Some(question),
                };
                let mut client = ServerReflectionClient::new(channel.clone());
                let answers = client
                    .server_reflection_info(tokio_stream::once(request))
                    .await;
                let answer = answers.unwrap().into_inner().next().await.unwrap().unwrap();
                answer.message_response.unwrap()
            }

            pub(super) async fn services(channel: &Channel) -> Vec<String> {
                let question = MessageRequest::ListServices(String::new());
                match ask(channel, question).await {
                    MessageResponse::ListServicesResponse(answer) => answer
                        .service
                        .into_iter()
                        .map(|service| service.name)
                        .collect(),
                    other => panic!("not a list of services: {other:?}"),
                }
            }

            async fn file(channel: &Channel, question: MessageRequest) -> FileDescriptorProto {
                match ask(channel, question.clone()).await {
                    MessageResponse::FileDescriptorResponse(answer) => {
                        FileDescriptorProto::decode(&*answer.file_descriptor_proto[0]).unwrap()
                    }
                    other => panic!("{question:?}: {other:?}"),
                }
            }

            /// Finds the symbol's file and all that it imports, as a tool does.
            pub(super) async fn resolve(channel: &Channel, symbol: &str) -> usize {
                let question = MessageRequest::FileContainingSymbol(symbol.to_owned());
                let mut due = file(channel, question).await.dependency;
                let mut found = 1;
                while let Some(name) = due.pop() {
                    due.extend(
                        file(channel, MessageRequest::FileByFilename(name))
                            .await
                            .dependency,
                    );
                    found += 1;
                }
                found
            }
        }
    };
}

questions!(asked_v1, v1);
questions!(asked_v1alpha, v1alpha);

const SYMBOLS: [&str; 7] = [
    "holdfast.order.v1.OrderService.PlaceOrder",
    "holdfast.type.v1.Refusal",
    "google.rpc.Status",
    "google.rpc.ErrorInfo",
    "google.rpc.BadRequest",
    "google.rpc.RetryInfo",
    "google.protobuf.Any",
];

const SERVED: [&str; 4] = [
    ORDER,
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
];

#[tokio::test]
async fn reflection_lists_exactly_what_is_served_in_both_versions() {
    let running = start().await;
    let channel = running.channel();
    assert_eq!(asked_v1::services(&channel).await, SERVED);
    assert_eq!(asked_v1alpha::services(&channel).await, SERVED);
    running.stopped().await;
}

#[tokio::test]
async fn reflection_resolves_services_and_error_details_with_all_their_imports() {
    let running = start().await;
    let channel = running.channel();
    for symbol in SYMBOLS {
        assert!(asked_v1::resolve(&channel, symbol).await >= 1);
        assert!(asked_v1alpha::resolve(&channel, symbol).await >= 1);
    }
    running.stopped().await;
}

#[tokio::test]
async fn a_refusal_crosses_the_wire_whole() {
    let running = start().await;
    let status = running
        .client()
        .get_order(get("missing"))
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    let expected = Refusal::new(Reason::OrderNotFound, "no such order");
    assert_eq!(Refusal::from_status(&status), Some(expected));
    running.stopped().await;
}

#[tokio::test]
async fn calls_are_counted_by_method_and_code() {
    let running = start().await;
    running
        .client()
        .get_order(get("missing"))
        .await
        .unwrap_err();
    running
        .client()
        .list_orders(tonic::Request::new(Default::default()))
        .await
        .unwrap();
    let page = crate::telemetry::render_metrics();
    for (method, code) in [("GetOrder", "NOT_FOUND"), ("ListOrders", "OK")] {
        let line = format!(
            "grpc_server_calls_total{{service=\"{ORDER}\",method=\"{method}\",code=\"{code}\"}}"
        );
        assert!(page.contains(&line), "{line} is not in {page}");
    }
    running.stopped().await;
}

#[tokio::test]
async fn a_server_off_loopback_is_refused() {
    let listener = tokio::net::TcpListener::bind("0.0.0.0:0").await.unwrap();
    let server = Server::new(ServerConfig::new("test"))
        .add_service(OrderServiceServer::new(Fake::default()));
    let error = server
        .serve(listener, Default::default())
        .await
        .unwrap_err();
    assert!(matches!(error, ServeError::OffLoopback(_)), "{error}");
    assert!(
        error
            .to_string()
            .contains("TLS and credentials are not built yet"),
        "{error}"
    );
}

#[tokio::test]
async fn a_server_whose_service_has_no_access_row_is_refused() {
    let nothing = ServerConfig {
        descriptors: tonic_health::pb::FILE_DESCRIPTOR_SET,
        ..ServerConfig::new("test")
    };
    let server = Server::new(nothing).add_service(OrderServiceServer::new(Fake::default()));
    assert!(matches!(
        server.ready().err().unwrap(),
        ServeError::Access(_)
    ));
}
