//! Starts the auditor as a service. It needs no database to start: one that is away makes an audit
//! UNKNOWN, which is what it is for.

use std::net::SocketAddr;

use holdfast_kit::bootstrap::{self, Running, StartError};
use holdfast_proto::audit::audit_service_server::AuditServiceServer;
use tokio_util::sync::CancellationToken;

use crate::api::Auditor;
use crate::config::Urls;

/// The service's name in logs.
const SERVICE: &str = "audit";

/// Where the auditor listens and what it reads.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct ServeConfig {
    /// Where the auditor answers gRPC; loopback only.
    #[arg(
        id = "audit_listen",
        long = "audit-listen",
        env = "HOLDFAST_AUDIT_LISTEN",
        value_name = "ADDRESS",
        default_value = "127.0.0.1:50054"
    )]
    pub listen: SocketAddr,

    /// Where the auditor answers /livez, /readyz and /metrics; loopback only.
    #[arg(
        id = "audit_side_listen",
        long = "audit-side-listen",
        env = "HOLDFAST_AUDIT_SIDE_LISTEN",
        value_name = "ADDRESS",
        default_value = "127.0.0.1:50154"
    )]
    pub side_listen: SocketAddr,

    /// The databases.
    #[command(flatten)]
    pub urls: Urls,
}

/// Starts the auditor; it stops when `shutdown` is cancelled and a running audit has ended, or been
/// cut off by the drain.
///
/// # Errors
/// If an address cannot be listened on.
pub async fn start(
    config: ServeConfig,
    shutdown: CancellationToken,
) -> Result<Running, StartError> {
    let bound = bootstrap::bind(SERVICE, config.listen, config.side_listen).await?;
    let service = AuditServiceServer::new(Auditor::new(config.urls));
    let server = bound.server().add_service(service);
    bound.serve(server, shutdown)
}
