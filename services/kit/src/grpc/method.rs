//! Which handler a path leads to.
//! The table is made once, from the descriptors of what is served; a call is one look-up in it.

use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;

use http::{Request, Response};
use hyper::body::Incoming;
use prost_reflect::DescriptorPool;
use tonic::body::Body;
use tonic::server::NamedService;
use tower::Service;

use super::accounting::Account;

/// The future of a generated service.
pub(super) type Answering =
    Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send + 'static>>;

/// What tonic generates for a service: the server type around a handler.
pub trait GrpcService:
    Service<Request<Incoming>, Response = Response<Body>, Error = Infallible, Future = Answering>
    + NamedService
    + Clone
    + Send
    + Sync
    + 'static
{
}

impl<S> GrpcService for S where
    S: Service<
            Request<Incoming>,
            Response = Response<Body>,
            Error = Infallible,
            Future = Answering,
        > + NamedService
        + Clone
        + Send
        + Sync
        + 'static
{
}

/// A service behind one pointer; generated services are always ready.
pub(super) trait Handler: Send + Sync {
    fn answer(&self, request: Request<Incoming>) -> Answering;
}

impl<S: GrpcService> Handler for S {
    fn answer(&self, request: Request<Incoming>) -> Answering {
        self.clone().call(request)
    }
}

/// Whether a service is ours or the platform's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It has handlers of ours, whose calls end by themselves.
    Business,
    /// Health and reflection: their streams end when the server drains.
    Platform,
}

/// A service that is served.
#[derive(Clone)]
pub(super) struct Served {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) handler: Arc<dyn Handler>,
}

/// A method that is served.
pub(super) struct Method {
    pub(super) path: &'static str,
    pub(super) kind: Kind,
    /// Whether the answer is a stream, whose end is the call's end.
    pub(super) streams: bool,
    pub(super) handler: Arc<dyn Handler>,
    pub(super) account: Arc<Account>,
}

/// Every method that is served, by its path.
#[derive(Default)]
pub(super) struct Methods(HashMap<&'static str, Method>);

impl Methods {
    /// Makes the table. A service's methods come from the descriptors; tables live as long as the
    /// process, so their strings are leaked.
    pub(super) fn of(pool: &DescriptorPool, services: &[Served]) -> Self {
        let mut methods = HashMap::new();
        for served in services {
            let described = pool.get_service_by_name(served.name);
            for method in described.iter().flat_map(|service| service.methods()) {
                let path: &'static str = format!("/{}/{}", served.name, method.name()).leak();
                let name = &path[served.name.len() + 2..];
                let entry = Method {
                    path,
                    kind: served.kind,
                    streams: method.is_server_streaming(),
                    handler: Arc::clone(&served.handler),
                    account: Arc::new(Account::open(served.name, name)),
                };
                methods.insert(path, entry);
            }
        }
        Self(methods)
    }

    pub(super) fn find(&self, path: &str) -> Option<&Method> {
        self.0.get(path)
    }
}
