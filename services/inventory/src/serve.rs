//! Starts the service: checks, then three writers and a small pool for reads, then the listener.
//! At rest it holds at most five connections to Postgres: one per writer, two for reads.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{join_all, select_all};
use holdfast_kit::bootstrap::{Bootstrap, Common, Running, StartError};
use holdfast_kit::db;
use holdfast_proto::inventory::inventory_service_server::InventoryServiceServer;
use saga_batch::{Limits, Writer, session_settings};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::MIGRATOR;
use crate::api::{Api, Outcomes};
use crate::convert::allocation::{BATCH_LINES_MAX, ITEMS_MAX};
use crate::store::{AllocateBatch, ChangeBatch, HeldRows, Reader, ReleaseBatch};

/// The service's name in logs and in Postgres.
const SERVICE: &str = "inventory";
/// Connections that reads share.
const READ_CONNECTIONS_MAX: u32 = 2;
/// Items that may wait for each writer.
const QUEUE_MAX: usize = 16_384;
/// Bytes of one request: a full batch of lines with the longest names fits.
const REQUEST_BYTES_MAX: usize = 1 << 20;
/// How long the writers may take to finish once the server has drained.
const WRITERS_DRAIN_MAX: Duration = Duration::from_secs(5);

/// Where the inventory service listens and where its database is.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Config {
    /// Where the inventory service answers gRPC; loopback only.
    #[arg(
        id = "inventory_listen",
        long = "inventory-listen",
        env = "HOLDFAST_INVENTORY_LISTEN",
        value_name = "ADDRESS",
        default_value = "127.0.0.1:50052"
    )]
    pub listen: SocketAddr,

    /// Where the inventory service answers /livez, /readyz and /metrics; loopback only.
    #[arg(
        id = "inventory_side_listen",
        long = "inventory-side-listen",
        env = "HOLDFAST_INVENTORY_SIDE_LISTEN",
        value_name = "ADDRESS",
        default_value = "127.0.0.1:50152"
    )]
    pub side_listen: SocketAddr,

    /// The inventory service's database, as postgres://user:password@host:port/name.
    #[arg(
        id = "inventory_database_url",
        long = "inventory-database-url",
        env = "HOLDFAST_INVENTORY_DATABASE_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    pub database_url: String,
}

/// Starts the inventory service; it stops when `shutdown` is cancelled, or when one of its writers
/// ends by a defect.
///
/// # Errors
/// If the database is not one to start on, or an address cannot be listened on.
pub async fn start(config: Config, shutdown: CancellationToken) -> Result<Running, StartError> {
    let common = Common {
        service: SERVICE,
        listen: config.listen,
        side_listen: config.side_listen,
        database_url: config.database_url,
    };
    let bootstrap = Bootstrap::open(common, &MIGRATOR).await?;
    // Made before the counters, which would otherwise count for nobody.
    holdfast_kit::telemetry::install_metrics();
    let (api, writers) = assemble(&bootstrap).await;
    let service = InventoryServiceServer::new(api).max_decoding_message_size(REQUEST_BYTES_MAX);
    let stop = shutdown.child_token();
    let server = bootstrap.server().add_service(service);
    let running = bootstrap.serve(server, stop.clone())?;
    let joined = tokio::spawn(supervise(running.joined, writers, stop));
    Ok(Running { joined, ..running })
}

async fn assemble(bootstrap: &Bootstrap) -> (Api, Vec<JoinHandle<()>>) {
    let options = bootstrap.database();
    let limits = Limits {
        items_max: ITEMS_MAX,
        lines_max: BATCH_LINES_MAX,
        queue_max: QUEUE_MAX,
    };
    let held = Arc::new(HeldRows::default());
    let (allocations, allocating) = Writer::start(
        AllocateBatch::new(Arc::clone(&held)),
        options.clone(),
        limits,
    );
    let (releases, releasing) = Writer::start(
        ReleaseBatch::new(Arc::clone(&held)),
        options.clone(),
        limits,
    );
    let (changes, changing) = Writer::start(ChangeBatch::new(held), options.clone(), limits);
    let reads = session_settings(options, "inventory-read");
    let reader = Reader::new(db::pool(reads, READ_CONNECTIONS_MAX).await);
    let outcomes = Arc::new(Outcomes::new());
    let api = Api {
        reader,
        allocations,
        releases,
        changes,
        outcomes,
    };
    (api, vec![allocating, releasing, changing])
}

/// Waits for the server and then for the writers, whose handles end with it. A writer that ends
/// before the server has met a defect; a service without it would answer nothing, so it stops.
async fn supervise(
    mut server: JoinHandle<()>,
    mut writers: Vec<JoinHandle<()>>,
    stop: CancellationToken,
) {
    let early = tokio::select! {
        _ = &mut server => false,
        _ = select_all(writers.iter_mut()) => true,
    };
    if early {
        // In a stop a writer ends with its last handle, which goes with the server.
        if !stop.is_cancelled() {
            tracing::error!(service = SERVICE, "a writer has ended; the service stops");
            stop.cancel();
        }
        // What the server's task came to is in the log already.
        server.await.ok();
    }
    writers.retain(|writer| !writer.is_finished());
    if tokio::time::timeout(WRITERS_DRAIN_MAX, join_all(writers))
        .await
        .is_err()
    {
        tracing::warn!(service = SERVICE, "batches in flight are cut off");
    }
}

#[cfg(test)]
mod tests {
    use clap::Args;
    use tokio_util::sync::CancellationToken;

    use super::{Config, supervise};

    #[tokio::test]
    async fn a_writer_that_ends_early_stops_the_service() {
        let stop = CancellationToken::new();
        let server = tokio::spawn(stop.clone().cancelled_owned());
        let waiting = tokio::spawn(stop.clone().cancelled_owned());
        let ended = tokio::spawn(async {});
        supervise(server, vec![waiting, ended], stop.clone()).await;
        assert!(stop.is_cancelled());
    }

    #[tokio::test]
    async fn a_server_that_ends_waits_for_the_writers() {
        let stop = CancellationToken::new();
        let server = tokio::spawn(async {});
        let writer = tokio::spawn(async { tokio::task::yield_now().await });
        supervise(server, vec![writer], stop.clone()).await;
        assert!(!stop.is_cancelled());
    }

    #[test]
    fn every_flag_names_the_service() {
        let command = Config::augment_args(clap::Command::new("inventory"));
        command.clone().debug_assert();
        for argument in command.get_arguments() {
            let long = argument.get_long().unwrap();
            assert!(long.starts_with("inventory-"), "{long}");
            assert!(argument.get_help().is_some(), "{long}");
        }
    }
}
