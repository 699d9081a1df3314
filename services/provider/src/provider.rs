//! The provider as the payment service meets it: the gateway port over the ledger. Answers leave in
//! groups as they are committed; a token's timer holds its own call alone.

use std::{fmt, sync::Arc, time::Duration};

use holdfast_kit::bootstrap::{self, StartError};
use holdfast_payment::gateway::{
    Answers, Capability, Captures, Gateway, Provider, Request, answers,
};
use saga_batch::{Limits, Writer};
use tokio::sync::Semaphore;

use crate::{
    MIGRATOR,
    answer::Desk,
    config::Config,
    store::{Attempts, FollowUps, Ledger},
};

/// The provider's name in logs and in pg_stat_activity.
const SERVICE: &str = "provider";

/// Calls that hang at the same time; one more fails at once.
const HANGING_MAX: usize = 100_000;

/// The ledger keeps every key for ever; this is as good as that.
const KEYS_KEPT: Duration = Duration::from_hours(24 * 365 * 100);

/// The simulated provider; clones share it.
#[derive(Clone)]
pub struct SimulatedProvider {
    desk: Arc<Desk>,
}

impl fmt::Debug for SimulatedProvider {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SimulatedProvider")
            .finish_non_exhaustive()
    }
}

impl SimulatedProvider {
    /// Starts the provider over its own database. It ends when its last clone is dropped and every
    /// call that still hangs has ended.
    ///
    /// # Errors
    /// If the database is not safe or not of this binary's schema.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let options = bootstrap::open_database(SERVICE, &config.database_url, &MIGRATOR).await?;
        let limits = Limits::default();
        let desk = Desk {
            ledger: Writer::start(Ledger::default(), options.clone(), limits).0,
            follow_ups: Writer::start(FollowUps, options.clone(), limits).0,
            attempts: Writer::start(Attempts, options, limits).0,
            hanging: Arc::new(Semaphore::new(HANGING_MAX)),
        };
        Ok(Self {
            desk: Arc::new(desk),
        })
    }
}

impl Gateway for SimulatedProvider {
    fn provider(&self) -> Provider {
        Provider::Simulated
    }

    fn capability(&self) -> Capability {
        Capability {
            captures: Captures::Several,
            keys_kept: KEYS_KEPT,
        }
    }

    fn ask(&self, requests: Vec<Request>) -> Answers {
        let (sender, answers) = answers();
        let desk = Arc::clone(&self.desk);
        tokio::spawn(async move { desk.answer(requests, sender).await });
        answers
    }
}
