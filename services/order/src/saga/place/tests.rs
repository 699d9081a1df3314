//! A batch call over gRPC: the trace of its orders is on it, and nothing where there is none.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    future::{Ready, ready},
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use chrono::DateTime;
use holdfast_kit::{
    id::{OrderId, Shard},
    money::Money,
    trace::TraceParent,
};
use saga_runtime::Step;
use tonic::{
    Status,
    body::Body,
    codegen::{Service, http},
    server::NamedService,
    transport::{Channel, Server, server::TcpIncoming},
};

use super::{Placing, allocate::Allocate};
use crate::domain::{Capture, Line, Placement, Priority};

const FIRST: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const OTHER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";

/// A participant that keeps the traceparent of each call and answers none.
#[derive(Clone, Default)]
struct Participant {
    seen: Arc<Mutex<Vec<Option<String>>>>,
}

impl NamedService for Participant {
    const NAME: &'static str = "holdfast.inventory.v1.InventoryService";
}

impl Service<http::Request<Body>> for Participant {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let header = request.headers().get("traceparent");
        let header = header.map(|value| value.to_str().unwrap().to_owned());
        self.seen.lock().unwrap().push(header);
        ready(Ok(Status::unimplemented("only listens").into_http()))
    }
}

impl Participant {
    async fn serve(&self) -> Channel {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let incoming = TcpIncoming::bind(any).unwrap();
        let address = incoming.local_addr().unwrap();
        let server = Server::builder().add_service(self.clone());
        tokio::spawn(server.serve_with_incoming(incoming));
        holdfast_kit::grpc::channel(&address.to_string()).unwrap()
    }

    /// The traceparent of the one call since the last look.
    fn heard(&self) -> Option<TraceParent> {
        let mut seen = self.seen.lock().unwrap();
        assert_eq!(seen.len(), 1, "{seen:?}");
        seen.remove(0).map(|text| text.parse().unwrap())
    }
}

fn placing(trace: Option<&str>) -> Placing {
    let line = Line {
        sku: "A".into(),
        quantity: 1,
        unit_price: 500,
        location_id: None,
    };
    let placement = Placement {
        customer_id: "c".into(),
        request_id: "r".into(),
        lines: vec![line],
        adjustments: Vec::new(),
        total: Money::new("EUR".parse().unwrap(), 500).unwrap(),
        payment_method: "tok_ok".into(),
        capture: Capture::OnConfirm,
        priority: Priority::Normal,
        decide_within: None,
        metadata: BTreeMap::new(),
    };
    Placing {
        order_id: OrderId::generate(Shard::of_customer("c")),
        placement: Arc::new(placement),
        create_time: DateTime::default(),
        allocations: None,
        captured_minor_units: 0,
        trace: trace.map(|text| text.parse().unwrap()),
    }
}

#[tokio::test]
async fn a_batch_call_is_a_child_of_its_first_traced_order() {
    let participant = Participant::default();
    let step = Allocate::new(participant.serve().await);
    let first: TraceParent = FIRST.parse().unwrap();
    let batch = [None, Some(FIRST), Some(OTHER)].map(placing);

    let inputs = batch.iter().filter_map(|placing| step.input(placing));
    step.run(inputs.collect()).await;
    let asked = participant.heard().unwrap();
    assert_eq!(asked.trace_id(), first.trace_id());
    assert_ne!(asked.span_id(), first.span_id());

    let inputs = batch.iter().filter_map(|placing| step.undo_input(placing));
    step.undo(inputs.collect()).await;
    let undone = participant.heard().unwrap();
    assert_eq!(undone.trace_id(), first.trace_id());
    assert_ne!(undone.span_id(), asked.span_id());
}

#[tokio::test]
async fn a_batch_call_of_untraced_orders_carries_no_trace() {
    let participant = Participant::default();
    let step = Allocate::new(participant.serve().await);
    let batch = [None, None].map(placing);
    let inputs = batch.iter().filter_map(|placing| step.input(placing));
    step.run(inputs.collect()).await;
    assert_eq!(participant.heard(), None);
}
