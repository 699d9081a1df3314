//! How the order service starts and stops. It carries sagas from its first beat until it has given
//! up the last one; what it stops with others take over at once.

use std::sync::Arc;

use holdfast_kit::{
    bootstrap::{Bootstrap, Common, Running, StartError},
    grpc,
};
use holdfast_proto::order::order_service_server::OrderServiceServer;
use saga_batch::{Limits, NewKeys, Writer};
use sqlx::PgPool;
use tokio::task::{JoinError, JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{
    Config, MIGRATOR,
    api::Api,
    backlog::Backlog,
    canceller::Canceller,
    decisions::Decisions,
    placer::Placer,
    saga::{
        cancel::{self, Cancelling},
        place::{self, Placing},
    },
    store::{CancelLog, CancelOrders, OrderLog, Place, Reads},
};

mod engine;

use engine::Engine;

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
    let log_pool = bootstrap.pool(LOG_CONNECTIONS_MAX).await;
    let reads = Reads::new(bootstrap.pool(READ_CONNECTIONS_MAX).await);
    let decisions = Arc::new(Decisions::default());
    let engines = engines(&config, &bootstrap, log_pool.clone(), &decisions).await?;
    let (placing, cancelling) = (engines.placing, engines.cancelling);
    let mut vital = engines.writing;

    let place = Place {
        new_keys: NewKeys::default(),
        runner: placing.runner.clone(),
        decisions: Arc::clone(&decisions),
    };
    let cancel = CancelOrders {
        placing: placing.runner.clone(),
        cancelling: cancelling.runner.clone(),
        log: Arc::clone(&cancelling.log),
    };
    let (place, places) = Writer::start(place, bootstrap.database(), Limits::default());
    let (cancel, cancels) = Writer::start(cancel, bootstrap.database(), Limits::default());
    vital.extend([places, cancels]);
    let backlog = Backlog::new(config.backlog_max);
    let mut readers = JoinSet::new();
    readers.spawn(backlog.clone().count(log_pool));
    readers.spawn(Arc::clone(&decisions).read_followed(reads.clone()));

    let api = Api {
        placer: Arc::new(Placer {
            writer: place,
            runner: placing.runner.clone(),
            decisions: Arc::clone(&decisions),
            backlog,
        }),
        canceller: Arc::new(Canceller {
            writer: cancel,
            decisions,
        }),
        reads,
        shutdown: shutdown.clone(),
    };
    let server = bootstrap.server().add_service(OrderServiceServer::new(api));
    let serving = bootstrap.serve(server, shutdown.clone())?;
    Ok(stop_with(
        serving, placing, cancelling, vital, shutdown, readers,
    ))
}

/// Every kind of saga, at work, and the writers of their logs.
struct Engines {
    placing: Engine<Placing, OrderLog>,
    cancelling: Engine<Cancelling, CancelLog>,
    writing: Vec<JoinHandle<()>>,
}

async fn engines(
    config: &Config,
    bootstrap: &Bootstrap,
    log_pool: PgPool,
    decisions: &Arc<Decisions>,
) -> Result<Engines, StartError> {
    let channel = |address: &str| {
        grpc::channel(address).map_err(|error| StartError::dependency(SERVICE, error))
    };
    let inventory = channel(&config.inventory_address)?;
    let payment = channel(&config.payment_address)?;
    let beats = bootstrap.pool(LOG_CONNECTIONS_MAX).await;
    let (log, writing) = OrderLog::start(&bootstrap.database(), log_pool, beats);
    let placing = Engine::start(
        place::definition(inventory.clone(), payment.clone()),
        log,
        Arc::clone(decisions) as _,
        config,
    );
    let cancelling = Engine::start(
        cancel::definition(inventory, payment),
        CancelLog::new(bootstrap.pool(LOG_CONNECTIONS_MAX).await),
        Arc::clone(decisions) as _,
        config,
    );
    Ok(Engines {
        placing,
        cancelling,
        writing,
    })
}

/// Lets the service end when it has drained and given up its sagas. If a task that everything rests
/// on ends before, nobody may rely on this process any more.
fn stop_with(
    serving: Running,
    mut placing: Engine<Placing, OrderLog>,
    mut cancelling: Engine<Cancelling, CancelLog>,
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
        let ended = tokio::select! {
            _ = joined => {
                readers.shutdown().await;
                placing.stop().await;
                return cancelling.stop().await;
            }
            ended = ended_too_early(vital, shutdown) => format!("{ended:?}"),
            () = placing.ended() => "the engine of placing".to_owned(),
            () = cancelling.ended() => "the engine of cancelling".to_owned(),
        };
        tracing::error!(ended, "a vital task has ended; the process stops");
        std::process::abort();
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
