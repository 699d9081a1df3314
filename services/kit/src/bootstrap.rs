//! How a service starts and stops: checks first, listeners next, answers last.
//! A service that starts has a database that is safe and of the right schema, and listens on
//! loopback only.

use std::error::Error;
use std::io;
use std::net::SocketAddr;

use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPool};
use tokio::net::TcpListener;
use tokio::task::{JoinError, JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::db::{self, DatabaseError};
use crate::grpc::{self, ServeError, Server, ServerConfig};
use crate::side::{self, Readiness};

/// What every service is told: its name, where it listens and where its database is.
#[derive(Clone)]
pub struct Common {
    /// The service's name in logs and in pg_stat_activity, such as "order".
    pub service: &'static str,
    /// Where gRPC is answered; port 0 takes any free one.
    pub listen: SocketAddr,
    /// Where /livez, /readyz and /metrics are answered; port 0 takes any free one.
    pub side_listen: SocketAddr,
    /// The database's URL; it may hold a password.
    pub database_url: String,
}

/// Why a service does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database of the service is not one to start on.
    #[error("the {service} service does not start: {source}")]
    Database {
        /// Whose database it is.
        service: &'static str,
        /// What is wrong with it.
        source: DatabaseError,
    },
    /// An address cannot be listened on.
    #[error("{address} cannot be listened on: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The server would not be safe.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// Something else that the service needs is missing or malformed.
    #[error("the {service} service does not start: {source}")]
    Dependency {
        /// The service.
        service: &'static str,
        /// What is wrong.
        source: Box<dyn Error + Send + Sync>,
    },
}

impl StartError {
    /// Makes the error of a service that lacks something else than its database.
    pub fn dependency(
        service: &'static str,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self::Dependency {
            service,
            source: source.into(),
        }
    }
}

/// A service's listeners, bound and not yet answering.
#[derive(Debug)]
pub struct Bound {
    service: &'static str,
    listener: TcpListener,
    side_listener: TcpListener,
    address: SocketAddr,
    side_address: SocketAddr,
    readiness: Readiness,
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    grpc::check_loopback(address)?;
    let failed = |source| StartError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

/// Binds a service's two ports.
///
/// # Errors
/// If an address is taken, or not on loopback.
pub async fn bind(
    service: &'static str,
    listen_on: SocketAddr,
    side_listen: SocketAddr,
) -> Result<Bound, StartError> {
    let (listener, address) = listen(listen_on).await?;
    let (side_listener, side_address) = listen(side_listen).await?;
    let readiness = Readiness::new();
    Ok(Bound {
        service,
        listener,
        side_listener,
        address,
        side_address,
        readiness,
    })
}

/// Connects to a database once and checks that it is safe and has the migrator's schema.
///
/// # Errors
/// What is wrong with it, as a sentence for the operator.
pub async fn open_database(
    service: &'static str,
    url: &str,
    migrator: &Migrator,
) -> Result<PgConnectOptions, StartError> {
    db::open(url, service, migrator)
        .await
        .map_err(|source| StartError::Database { service, source })
}

impl Bound {
    /// Gives where gRPC will be answered.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Gives an empty server that tells this service's side port when it is ready.
    pub fn server(&self) -> Server {
        let config = ServerConfig::new(self.service);
        Server::new(ServerConfig {
            readiness: self.readiness.clone(),
            ..config
        })
    }

    /// Starts answering, until `shutdown` is cancelled and the server has drained.
    ///
    /// # Errors
    /// If an RPC has no access row.
    pub fn serve(self, server: Server, shutdown: CancellationToken) -> Result<Running, StartError> {
        let ready = server.ready()?;
        let (service, listener) = (self.service, self.listener);
        let side = side::serve(self.side_listener, self.readiness);
        let joined = tokio::spawn(async move {
            tokio::select! {
                served = ready.serve(listener, shutdown) => {
                    if let Err(error) = served {
                        tracing::error!(service, %error, "the server stopped");
                    }
                }
                () = side => tracing::error!(service, "the side port closed before the server"),
            }
        });
        Ok(Running {
            address: self.address,
            side_address: self.side_address,
            joined,
        })
    }
}

/// A service's ports and its checked database.
pub struct Bootstrap {
    bound: Bound,
    options: PgConnectOptions,
}

impl Bootstrap {
    /// Checks the database and binds the ports, in this order.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub async fn open(common: Common, migrator: &Migrator) -> Result<Self, StartError> {
        grpc::check_loopback(common.listen)?;
        grpc::check_loopback(common.side_listen)?;
        let options = open_database(common.service, &common.database_url, migrator).await?;
        let bound = bind(common.service, common.listen, common.side_listen).await?;
        Ok(Self { bound, options })
    }

    /// Gives the options of the checked database, for writers and pools.
    pub fn database(&self) -> PgConnectOptions {
        self.options.clone()
    }

    /// Makes a small pool for reads.
    pub async fn pool(&self, connections_max: u32) -> PgPool {
        db::pool(self.options.clone(), connections_max).await
    }

    /// Gives where gRPC will be answered.
    pub fn address(&self) -> SocketAddr {
        self.bound.address()
    }

    /// Gives an empty server that tells this service's side port when it is ready.
    pub fn server(&self) -> Server {
        self.bound.server()
    }

    /// Starts answering; see [`Bound::serve`].
    ///
    /// # Errors
    /// If an RPC has no access row.
    pub fn serve(self, server: Server, shutdown: CancellationToken) -> Result<Running, StartError> {
        self.bound.serve(server, shutdown)
    }
}

/// A service that answers.
#[derive(Debug)]
pub struct Running {
    /// Where gRPC is answered.
    pub address: SocketAddr,
    /// Where /livez, /readyz and /metrics are answered.
    pub side_address: SocketAddr,
    /// Ends when the service has stopped.
    pub joined: JoinHandle<()>,
}

impl Running {
    /// Waits until the service has stopped: after its shutdown, or if it fails.
    ///
    /// # Errors
    /// If it panicked.
    ///
    /// # Cancellation
    /// Dropping it leaves the service running.
    pub async fn stopped(self) -> Result<(), JoinError> {
        self.joined.await
    }
}

#[cfg(test)]
mod tests;
