//! How the order service starts and stops. It carries sagas from its first beat until it has given
//! up the last one; what it stops with others take over at once.

use std::sync::Arc;

use holdfast_kit::{
    bootstrap::{Bootstrap, Common, Running, StartError},
    grpc,
};
use holdfast_proto::order::order_service_server::OrderServiceServer;
use saga_batch::{Limits, Writer};
use saga_runtime::{Lease, Recovery, RecoverySettings, Runner, RunnerId};
use tokio_util::sync::CancellationToken;

use crate::{
    Config, MIGRATOR,
    api::Api,
    backlog::Backlog,
    decisions::Decisions,
    placer::Placer,
    saga::place::{self, Placing},
    store::{OrderLog, Place, Reads},
};

const SERVICE: &str = "order";
/// Connections for callers' reads; idle ones are closed.
const READ_CONNECTIONS_MAX: u32 = 4;
/// Connections for signs of life, takeover and troubles.
const LOG_CONNECTIONS_MAX: u32 = 2;

/// Starts the service; it stops when `shutdown` is cancelled.
///
/// # Errors
/// [`StartError`]: the database is unsafe or of another schema, an address is not to be had.
pub async fn start(config: Config, shutdown: CancellationToken) -> Result<Running, StartError> {
    let common = Common {
        service: SERVICE,
        listen: config.listen,
        side_listen: config.side_listen,
        database_url: config.database_url.clone(),
    };
    let bootstrap = Bootstrap::open(common, &MIGRATOR).await?;
    let channel = |address: &str| {
        grpc::channel(address).map_err(|error| StartError::dependency(SERVICE, error))
    };
    let definition = place::definition(
        channel(&config.inventory_address)?,
        channel(&config.payment_address)?,
    );

    let log_pool = bootstrap.pool(LOG_CONNECTIONS_MAX).await;
    let reads = Reads::new(bootstrap.pool(READ_CONNECTIONS_MAX).await);
    let (log, _) = OrderLog::start(&bootstrap.database(), log_pool.clone());
    let log = Arc::new(log);
    let decisions = Arc::new(Decisions::default());
    let lease = Lease::new(config.lease());
    let (runner, running) = Runner::start(
        RunnerId::generate(),
        definition,
        Arc::clone(&log),
        lease.clone(),
        Arc::clone(&decisions) as _,
        config.runner(),
    );
    let recovery = Recovery::start(&runner, &log, &lease, RecoverySettings::default());
    let place = Place {
        runner: runner.clone(),
        decisions: Arc::clone(&decisions),
    };
    let (writer, _) = Writer::start(place, bootstrap.database(), Limits::default());
    let backlog = Backlog::new(config.backlog_max);
    tokio::spawn(backlog.clone().count(log_pool));
    tokio::spawn(Arc::clone(&decisions).read_followed(reads.clone()));

    let placer = Arc::new(Placer {
        writer,
        runner: runner.clone(),
        decisions,
        backlog,
    });
    let server = bootstrap
        .server()
        .add_service(OrderServiceServer::new(Api { placer, reads }));
    let serving = bootstrap.serve(server, shutdown.clone())?;
    Ok(stop_with(serving, runner, running, recovery))
}

/// Lets the service end when it has drained and given up its sagas, or when its runner dies.
fn stop_with(
    serving: Running,
    runner: Runner<Placing>,
    running: tokio::task::JoinHandle<()>,
    recovery: Recovery,
) -> Running {
    let Running {
        address,
        side_address,
        joined,
    } = serving;
    let joined = tokio::spawn(async move {
        tokio::select! {
            _ = joined => {
                recovery.stop_taking_over();
                runner.stop().await;
                recovery.stop();
            }
            ended = running => {
                // Only a defect ends it while the service runs; nobody may rely on this process.
                tracing::error!(?ended, "the saga runner has ended; the process stops");
                std::process::abort();
            }
        }
    });
    Running {
        address,
        side_address,
        joined,
    }
}
