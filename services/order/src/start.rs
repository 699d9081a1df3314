//! How the order service starts and stops. It carries sagas from its first beat until it has given
//! up the last one; what it stops with others take over at once.

use std::sync::Arc;

use holdfast_kit::{
    bootstrap::{Bootstrap, Common, Running, StartError},
    grpc,
};
use holdfast_proto::order::order_service_server::OrderServiceServer;
use saga_batch::{Limits, NewKeys, Writer};
use saga_runtime::{Lease, Recovery, RecoverySettings, Runner, RunnerId};
use tokio::task::{JoinError, JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{
    Config, MIGRATOR,
    api::Api,
    backlog::Backlog,
    decisions::Decisions,
    placer::Placer,
    saga::place::{self, Placing},
    store::{LostStarts, OrderLog, Place, Reads},
};

const SERVICE: &str = "order";
/// Connections for callers' reads; idle ones are closed.
const READ_CONNECTIONS_MAX: u32 = 4;
/// Connections for takeover and troubles, and as many for signs of life.
const LOG_CONNECTIONS_MAX: u32 = 1;

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
    let beats = bootstrap.pool(LOG_CONNECTIONS_MAX).await;
    let (log, mut writing) = OrderLog::start(&bootstrap.database(), log_pool.clone(), beats);
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
    let lost = Arc::new(LostStarts::default());
    let place = Place {
        lost: Arc::clone(&lost),
        new_keys: NewKeys::default(),
        runner: runner.clone(),
        decisions: Arc::clone(&decisions),
    };
    let (writer, placing) = Writer::start(place, bootstrap.database(), Limits::default());
    writing.extend([placing, running]);
    let backlog = Backlog::new(config.backlog_max);
    let mut readers = JoinSet::new();
    readers.spawn(backlog.clone().count(log_pool));
    readers.spawn(Arc::clone(&decisions).read_followed(reads.clone()));
    readers.spawn(Arc::clone(&lost).give_up(Arc::clone(&log), runner.id()));

    let placer = Arc::new(Placer {
        writer,
        runner: runner.clone(),
        decisions,
        backlog,
    });
    let api = Api {
        placer,
        reads,
        shutdown: shutdown.clone(),
    };
    let server = bootstrap.server().add_service(OrderServiceServer::new(api));
    let serving = bootstrap.serve(server, shutdown.clone())?;
    Ok(stop_with(
        serving, runner, recovery, lost, writing, shutdown, readers,
    ))
}

/// Lets the service end when it has drained and given up its sagas. If a task that everything rests
/// on ends before, nobody may rely on this process any more.
fn stop_with(
    serving: Running,
    runner: Runner<Placing>,
    mut recovery: Recovery,
    lost: Arc<LostStarts>,
    vital: Vec<JoinHandle<()>>,
    shutdown: CancellationToken,
    mut readers: JoinSet<()>,
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
                readers.shutdown().await;
                runner.stop().await;
                recovery.stop();
                // The last sign of life has been shown with these still in view.
                drop(lost);
            }
            ended = ended_too_early(vital, shutdown) => {
                tracing::error!(?ended, "a vital task has ended; the process stops");
                std::process::abort();
            }
            () = recovery.ended() => {
                tracing::error!("recovery has ended; the process stops");
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

/// Completes when a vital task ends while the service is to serve. In a stop a writer ends with its
/// last handle, which goes with the server, and that is no failure.
async fn ended_too_early(
    vital: Vec<JoinHandle<()>>,
    shutdown: CancellationToken,
) -> Result<(), JoinError> {
    let (ended, _, _) = futures::future::select_all(vital).await;
    if shutdown.is_cancelled() {
        std::future::pending::<()>().await;
    }
    ended
}
