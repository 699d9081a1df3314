//! A service's server: its own handlers, health and reflection on one listener.
//! It is checked before it takes the first connection, and refuses what is not safe to serve.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use prost_reflect::DescriptorPool;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic_health::ServingStatus;
use tonic_health::server::{HealthReporter, HealthService};

use super::access::{self, AccessError, AccessTable};
use super::accounting;
use super::call::Calls;
use super::connection::{self, Stop};
use super::limits;
use super::method::{GrpcService, Kind, Methods, Served};
use super::reflection;
use crate::side::Readiness;
use crate::telemetry;

/// The name under which health speaks of the whole server.
const WHOLE_SERVER: &str = "";

/// What a server is made with.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// The service's name in logs, such as "order".
    pub service: &'static str,
    /// The encoded descriptor set with every service that will be served.
    pub descriptors: &'static [u8],
    /// Told when the server takes calls and when it no longer does.
    pub readiness: Readiness,
    /// How long calls in flight may take to end once the server drains.
    pub drain_max: Duration,
}

impl ServerConfig {
    /// Gives the configuration of a service with Holdfast's descriptor set and the usual limits.
    pub fn new(service: &'static str) -> Self {
        Self {
            service,
            descriptors: holdfast_proto::FILE_DESCRIPTOR_SET,
            readiness: Readiness::new(),
            drain_max: limits::DRAIN_MAX,
        }
    }
}

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// An RPC may be called by nobody knows whom.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// What reflection shows cannot be read.
    #[error("reflection cannot be set up: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// Others than this machine could reach it.
    #[error("{0} is not a loopback address: TLS and credentials are not built yet")]
    OffLoopback(SocketAddr),
    /// The listener has no address.
    #[error("the listener has no address: {0}")]
    Listener(#[from] std::io::Error),
}

/// A server that is being put together.
#[derive(Clone)]
pub struct Server {
    config: ServerConfig,
    services: Vec<Served>,
}

impl Server {
    /// Starts with no service.
    pub fn new(config: ServerConfig) -> Self {
        Self {
            config,
            services: Vec::new(),
        }
    }

    /// Adds a service: the server type that tonic generates, around its handler.
    #[must_use]
    pub fn add_service<S: GrpcService>(mut self, service: S) -> Self {
        self.services.push(Served {
            name: S::NAME,
            kind: Kind::Business,
            handler: Arc::new(service),
        });
        self
    }

    fn add_platform<S: GrpcService>(&mut self, service: S) {
        self.services.push(Served {
            name: S::NAME,
            kind: Kind::Platform,
            handler: Arc::new(service),
        });
    }

    /// Adds health and reflection, and checks that each RPC has an access row.
    ///
    /// # Errors
    /// If one has none, or the descriptor set is not one.
    pub fn ready(mut self) -> Result<Ready, ServeError> {
        telemetry::install_metrics();
        accounting::describe();
        let own = self.config.descriptors;
        let business: Vec<&'static str> = self.services.iter().map(|served| served.name).collect();
        let pool = DescriptorPool::decode(own).map_err(AccessError::from)?;
        let access = AccessTable::of(&pool, &business)?;

        let health = HealthReporter::new();
        let details = reflection::detail_files();
        let listed: Vec<&str> = business
            .iter()
            .copied()
            .chain(access::OPEN_SERVICES)
            .collect();
        let builder = || reflection::builder(own, &details, &listed);
        let (v1, v1alpha) = (builder().build_v1()?, builder().build_v1alpha()?);
        let service = HealthService::from_health_reporter(health.clone());
        self.add_platform(tonic_health::pb::health_server::HealthServer::new(service));
        self.add_platform(v1);
        self.add_platform(v1alpha);

        let methods = Methods::of(&all_descriptors(own)?, &self.services);
        Ok(Ready {
            config: self.config,
            business,
            access,
            health,
            methods,
        })
    }

    /// Serves until `shutdown` is cancelled and the calls in flight have ended.
    ///
    /// # Errors
    /// See [`Server::ready`]; and if the listener is not on loopback.
    ///
    /// # Cancellation
    /// Dropping it stops accepting; open connections stay. Cancel `shutdown` instead.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: CancellationToken,
    ) -> Result<(), ServeError> {
        self.ready()?.serve(listener, shutdown).await
    }
}

/// The service's own descriptors and those of health and reflection.
fn all_descriptors(own: &[u8]) -> Result<DescriptorPool, AccessError> {
    let mut pool = DescriptorPool::decode(own)?;
    for files in [
        tonic_health::pb::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
    ] {
        pool.decode_file_descriptor_set(files)?;
    }
    Ok(pool)
}

/// Refuses an address that others than this machine can reach.
pub(crate) fn check_loopback(address: SocketAddr) -> Result<(), ServeError> {
    if address.ip().is_loopback() {
        Ok(())
    } else {
        Err(ServeError::OffLoopback(address))
    }
}

/// A server that has passed its checks.
pub struct Ready {
    config: ServerConfig,
    business: Vec<&'static str>,
    access: AccessTable,
    health: HealthReporter,
    methods: Methods,
}

impl Ready {
    /// Gives who may call what.
    pub fn access(&self) -> &AccessTable {
        &self.access
    }

    async fn set_health(&self, status: ServingStatus) {
        match status {
            ServingStatus::Serving => self.config.readiness.set_ready(),
            ServingStatus::NotServing | ServingStatus::Unknown => {
                self.config.readiness.set_not_ready();
            }
        }
        for name in self.business.iter().copied().chain([WHOLE_SERVER]) {
            self.health.set_service_status(name, status).await;
        }
    }

    /// Serves until `shutdown` is cancelled and the calls in flight have ended, or the drain's limit
    /// has passed.
    ///
    /// # Errors
    /// If the listener is not on loopback.
    ///
    /// # Cancellation
    /// Dropping it stops accepting; open connections stay. Cancel `shutdown` instead.
    pub async fn serve(
        mut self,
        listener: TcpListener,
        shutdown: CancellationToken,
    ) -> Result<(), ServeError> {
        let address = listener.local_addr()?;
        check_loopback(address)?;
        let stop = Stop {
            draining: CancellationToken::new(),
            cut_off: CancellationToken::new(),
        };
        let methods = std::mem::take(&mut self.methods);
        let calls = Arc::new(Calls {
            methods,
            draining: stop.draining.clone(),
        });
        let tasks = TaskTracker::new();
        self.set_health(ServingStatus::Serving).await;
        tracing::info!(service = self.config.service, %address, "serving");

        let accepting = connection::accept(listener, calls, stop.clone(), &tasks);
        let drain = async {
            shutdown.cancelled().await;
            self.set_health(ServingStatus::NotServing).await;
            stop.draining.cancel();
        };
        tokio::join!(accepting, drain);

        tasks.close();
        if tokio::time::timeout(self.config.drain_max, tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!(service = self.config.service, "calls in flight are cut off");
            stop.cut_off.cancel();
            tasks.wait().await;
        }
        tracing::info!(service = self.config.service, "served");
        Ok(())
    }
}

#[cfg(test)]
mod tests;
