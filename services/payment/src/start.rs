//! Puts the service together: checks, then writers and driver, then the listener; and takes it
//! apart in the other order, so that what was answered is written.

use std::{sync::Arc, time::Duration};

use holdfast_kit::bootstrap::{Bootstrap, Common, Running, StartError};
use holdfast_proto::payment::payment_service_server::PaymentServiceServer;
use saga_batch::{Limits, NewKeys, Writer};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    MIGRATOR,
    api::Payments,
    config::Config,
    drive::{self, Parts},
    gateway::Gateway,
    store::{Changes, Intents, Outcomes},
};

/// The service's name in logs and in pg_stat_activity.
const SERVICE: &str = "payment";

/// Connections for reads and for the recovery.
const READ_CONNECTIONS_MAX: u32 = 2;

/// How long operations that are being driven may take to end once the server has drained; what is
/// still running then is in the database and is driven on after the next start.
const DRIVE_DRAIN_MAX: Duration = Duration::from_millis(500);

/// Starts the payment service over a provider, until `shutdown` is cancelled.
///
/// # Errors
/// If the database is not safe or not of this binary's schema, or an address cannot be listened on.
pub async fn start(
    config: Config,
    gateway: Arc<dyn Gateway>,
    shutdown: CancellationToken,
) -> Result<Running, StartError> {
    let common = Common {
        service: SERVICE,
        listen: config.listen,
        side_listen: config.side_listen,
        database_url: config.database_url,
    };
    let bootstrap = Bootstrap::open(common, &MIGRATOR).await?;
    let (provider, captures) = (gateway.provider(), gateway.capability().captures);
    let limits = Limits::default();
    let intents = Intents {
        provider,
        new_keys: NewKeys::default(),
    };
    let (intents, intents_end) = Writer::start(intents, bootstrap.database(), limits);
    let (outcomes, outcomes_end) = Writer::start(Outcomes, bootstrap.database(), limits);
    let (changes, changes_end) =
        Writer::start(Changes { provider, captures }, bootstrap.database(), limits);
    let reads = bootstrap.pool(READ_CONNECTIONS_MAX).await;
    let (tracker, stop_driving) = (TaskTracker::new(), CancellationToken::new());
    let parts = Parts {
        gateway,
        intents,
        outcomes,
        changes,
        reads: reads.clone(),
        tracker: tracker.clone(),
    };
    let driver = drive::start(parts, &stop_driving);
    let server = bootstrap
        .server()
        .add_service(PaymentServiceServer::new(Payments {
            driver,
            reads: reads.clone(),
            provider,
        }));
    let served = bootstrap.serve(server, shutdown)?;
    let Running {
        address,
        side_address,
        joined,
    } = served;
    let joined = tokio::spawn(async move {
        if let Err(error) = joined.await {
            tracing::error!(%error, "the payment server panicked");
        }
        stop_driving.cancel();
        tracker.close();
        let drained = tokio::time::timeout(DRIVE_DRAIN_MAX, tracker.wait())
            .await
            .is_ok();
        if drained {
            // Every handle is gone, so the writers write what they have and end.
            for writer in [intents_end, outcomes_end, changes_end] {
                let _ = writer.await;
            }
        } else {
            tracing::info!("operations in flight are left to the next start");
        }
        reads.close().await;
    });
    Ok(Running {
        address,
        side_address,
        joined,
    })
}
