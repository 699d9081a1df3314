//! A whole Holdfast on one machine: a private Postgres, the schemas, all roles in this process.
//!
//! The rule: Postgres starts first and stops last. `dev`, the benchmark and the tests bring up this
//! one, so that what is tried is what is tested and measured.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Context as _;
use clap::{Args, FromArgMatches as _};
use holdfast_postgres::{Database, Databases, Server};
use tokio_util::sync::CancellationToken;

use crate::{
    roles::{Addresses, Configs, Roles},
    schema,
};

/// The distance from a role's gRPC port to its side port.
pub const SIDE_OFFSET: u16 = 100;
/// The last base that leaves room for every port.
const BASE_MAX: u16 = u16::MAX - SIDE_OFFSET - 3;

/// Which ports the roles listen on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ports {
    /// Any that are free.
    Free,
    /// Four from this one on for gRPC (order, inventory, payment, audit), and a hundred further on four
    /// for the side ports.
    From(u16),
}

impl Ports {
    /// Reads a base; 0 means any free ones.
    ///
    /// # Errors
    /// If there is no room above it.
    pub fn from_base(base: u16) -> anyhow::Result<Ports> {
        match base {
            0 => Ok(Ports::Free),
            1..=BASE_MAX => Ok(Ports::From(base)),
            _ => anyhow::bail!("a port base is at most {BASE_MAX}"),
        }
    }

    /// The gRPC and side port of the role with this index.
    fn of(self, index: u16) -> [SocketAddr; 2] {
        let ports = match self {
            Ports::Free => [0, 0],
            Ports::From(base) => [base + index, base + index + SIDE_OFFSET],
        };
        ports.map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
    }
}

/// How to bring up a cluster.
#[derive(Clone, Debug)]
pub struct Options {
    /// Its Postgres.
    pub postgres: holdfast_postgres::Options,
    /// Its ports.
    pub ports: Ports,
}

/// A running cluster. Dropping it stops Postgres; [`Cluster::stop`] drains the roles first.
#[derive(Debug)]
pub struct Cluster {
    roles: Roles,
    databases: Databases,
    server: Server,
}

impl Cluster {
    /// Brings everything up.
    ///
    /// # Errors
    /// The first thing that is wrong; what had started is stopped.
    ///
    /// # Cancellation
    /// What had started is stopped.
    pub async fn start(options: Options) -> anyhow::Result<Cluster> {
        let server = Server::start(options.postgres).await?;
        let databases = Databases::prepare(&server).await?;
        for database in Database::ALL {
            schema::migrate(database, databases.owner(database)).await?;
        }
        let roles = Roles::start(configs(&databases, options.ports)?).await?;
        let addresses = roles.addresses().environment();
        let written = server.write_environment(&(databases.environment() + &addresses));
        let cluster = Cluster {
            roles,
            databases,
            server,
        };
        match written {
            Ok(()) => Ok(cluster),
            Err(error) => {
                cluster.stop().await?;
                Err(error.into())
            }
        }
    }

    /// Where the roles answer.
    pub fn addresses(&self) -> &Addresses {
        self.roles.addresses()
    }

    /// Its databases' URLs.
    pub fn databases(&self) -> &Databases {
        &self.databases
    }

    /// Its Postgres.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Runs until `shutdown`, then stops everything.
    ///
    /// # Errors
    /// If Postgres or a role ended by itself: then everything was stopped all the same.
    pub async fn run_until(mut self, shutdown: CancellationToken) -> anyhow::Result<()> {
        let ended = tokio::select! {
            () = shutdown.cancelled() => Ok(()),
            () = self.server.ended() => Err(anyhow::anyhow!(
                "postgres ended; its log is {}",
                self.server.log_path().display()
            )),
            name = self.roles.one_ended() => Err(anyhow::anyhow!("the {name} service ended")),
        };
        ended.and(self.stop().await)
    }

    /// Stops everything: the roles, whoever asks first, then Postgres.
    ///
    /// # Errors
    /// If a role panicked, or Postgres does not stop.
    pub async fn stop(self) -> anyhow::Result<()> {
        let roles = self.roles.stop().await;
        let server = self.server.stop().await.context("postgres does not stop");
        roles.and(server)
    }
}

/// Every role's settings: ours here, and the environment's or the defaults for the rest.
fn configs(databases: &Databases, ports: Ports) -> anyhow::Result<Configs> {
    let mut words = vec!["holdfast".to_owned()];
    for (index, role) in (0..).zip(["order", "inventory", "payment", "audit"]) {
        let [grpc, side] = ports.of(index);
        words.push(format!("--{role}-listen={grpc}"));
        words.push(format!("--{role}-side-listen={side}"));
    }
    for database in Database::ALL {
        let name = database.directory();
        words.push(format!(
            "--{name}-database-url={}",
            databases.owner(database)
        ));
        words.push(format!(
            "--audit-{name}-database-url={}",
            databases.audit(database)
        ));
    }
    let command = Configs::augment_args(clap::Command::new("holdfast"));
    Ok(Configs::from_arg_matches(
        &command.try_get_matches_from(words)?,
    )?)
}

#[cfg(test)]
mod tests {
    use super::Ports;

    #[test]
    fn ports_follow_the_base_and_never_overflow() {
        let ports = Ports::from_base(50_051).unwrap();
        assert_eq!(ports.of(0).map(|address| address.port()), [50_051, 50_151]);
        assert_eq!(ports.of(3).map(|address| address.port()), [50_054, 50_154]);
        let last = Ports::from_base(65_432).unwrap();
        assert_eq!(last.of(3).map(|address| address.port()), [65_435, 65_535]);
        assert!(Ports::from_base(65_433).is_err());
        assert_eq!(Ports::from_base(0).unwrap(), Ports::Free);
    }
}
