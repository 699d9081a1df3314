//! The auditor behind gRPC.

use std::net::SocketAddr;
use std::time::Duration;

use holdfast_audit::{ServeConfig, Source, start};
use holdfast_kit::shutdown::CancellationToken;
use holdfast_proto::audit::audit_response::Content;
use holdfast_proto::audit::audit_service_client::AuditServiceClient;
use holdfast_proto::audit::{AuditRequest, AuditResponse, Verdict};
use tonic::{Code, Request, Streaming};

use crate::verdicts::PENDING;
use crate::world::World;

/// Longer than any audit of these tests takes.
const PATIENCE: Duration = Duration::from_secs(60);

struct Service {
    address: SocketAddr,
    shutdown: CancellationToken,
    joined: tokio::task::JoinHandle<()>,
}

impl Service {
    async fn start(world: &World) -> Service {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let config = ServeConfig {
            listen: any,
            side_listen: any,
            urls: world.urls(),
        };
        let shutdown = CancellationToken::new();
        let running = start(config, shutdown.clone())
            .await
            .expect("any port is free");
        Service {
            address: running.address,
            shutdown,
            joined: running.joined,
        }
    }

    async fn call(&self, request: AuditRequest) -> Result<Streaming<AuditResponse>, tonic::Status> {
        let address = format!("http://{}", self.address);
        let mut client = AuditServiceClient::connect(address)
            .await
            .expect("it answers");
        let mut request = Request::new(request);
        request.set_timeout(PATIENCE);
        Ok(client.audit(request).await?.into_inner())
    }

    async fn stop(self) {
        self.shutdown.cancel();
        self.joined.await.expect("it does not panic");
    }
}

async fn contents(mut stream: Streaming<AuditResponse>) -> Vec<Content> {
    let mut contents = Vec::new();
    while let Some(message) = stream.message().await.expect("no error ends it") {
        contents.push(message.content.expect("every message has something"));
    }
    contents
}

#[tokio::test]
async fn findings_come_first_and_the_report_last() {
    let world = World::whole().await;
    world
        .run(
            Source::Inventory,
            "update stock set reserved = reserved - 1 where sku = 'c'",
        )
        .await;
    let service = Service::start(&world).await;
    let contents = contents(service.call(AuditRequest::default()).await.unwrap()).await;
    let [Content::Finding(finding), Content::Report(report)] = &contents[..] else {
        panic!("{contents:?}");
    };
    assert_eq!(finding.predicate_id, "I2");
    assert_eq!(finding.rows[0].source, "inventory");
    assert_eq!(finding.rows[0].columns["sku"], "c");
    assert_eq!(report.verdict(), Verdict::Fail);
    assert_eq!(report.predicates.len(), 14);
    assert!(report.start_time.is_some() && report.duration.is_some());
    service.stop().await;
}

#[tokio::test]
async fn a_second_audit_is_told_to_come_back() {
    let world = World::whole().await;
    world.run(Source::Order, PENDING).await;
    let service = Service::start(&world).await;
    // It waits for a rest that does not come.
    let first = service
        .call(AuditRequest {
            at_rest: true,
            ..Default::default()
        })
        .await
        .unwrap();
    let shed = service.call(AuditRequest::default()).await.unwrap_err();
    assert_eq!(shed.code(), Code::ResourceExhausted);
    assert!(shed.metadata().contains_key("grpc-retry-pushback-ms"));
    // Whoever leaves makes room.
    drop(first);
    let next = tokio::time::timeout(PATIENCE, async {
        loop {
            match service.call(AuditRequest::default()).await {
                Ok(stream) => return stream,
                Err(status) => assert_eq!(status.code(), Code::ResourceExhausted),
            }
        }
    });
    let contents = contents(next.await.unwrap()).await;
    assert!(
        matches!(&contents[..], [Content::Report(_)]),
        "{contents:?}"
    );
    service.stop().await;
}

#[tokio::test]
async fn unknown_predicates_are_refused() {
    let world = World::empty().await;
    let service = Service::start(&world).await;
    let request = AuditRequest {
        predicate_ids: vec!["I9".to_owned()],
        at_rest: false,
    };
    assert_eq!(
        service.call(request).await.unwrap_err().code(),
        Code::InvalidArgument
    );
    service.stop().await;
}
