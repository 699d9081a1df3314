//! What the order service is told. Every flag has an environment variable, a default and a sentence.

use std::{net::SocketAddr, time::Duration};

use saga_runtime::{LeaseSettings, RunnerSettings};

/// The order service's settings.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Order service")]
#[group(skip)]
pub struct Config {
    /// Where OrderService is answered
    #[arg(
        id = "order_listen",
        long = "order-listen",
        env = "HOLDFAST_ORDER_LISTEN",
        default_value = "127.0.0.1:50051"
    )]
    pub listen: SocketAddr,

    /// Where the order service's /livez, /readyz and /metrics are answered
    #[arg(
        id = "order_side_listen",
        long = "order-side-listen",
        env = "HOLDFAST_ORDER_SIDE_LISTEN",
        default_value = "127.0.0.1:50151"
    )]
    pub side_listen: SocketAddr,

    /// The order database's URL
    #[arg(
        id = "order_database_url",
        long = "order-database-url",
        env = "HOLDFAST_ORDER_DATABASE_URL",
        hide_env_values = true
    )]
    pub database_url: String,

    /// Where the order service finds the inventory service
    #[arg(
        long = "inventory-address",
        env = "HOLDFAST_INVENTORY_ADDRESS",
        default_value = "http://127.0.0.1:50052"
    )]
    pub inventory_address: String,

    /// Where the order service finds the payment service
    #[arg(
        long = "payment-address",
        env = "HOLDFAST_PAYMENT_ADDRESS",
        default_value = "http://127.0.0.1:50053"
    )]
    pub payment_address: String,

    /// Sagas that this process carries at once
    #[arg(
        long = "saga-window",
        env = "HOLDFAST_SAGA_WINDOW",
        default_value_t = RunnerSettings::default().window_max
    )]
    pub window_max: usize,

    /// Milliseconds of silence after which a peer's sagas are taken over
    #[arg(long = "lease-ms", env = "HOLDFAST_LEASE_MS", default_value_t = 3_000)]
    pub lease_ms: u64,

    /// Accepted orders that may wait for a runner before further ones are shed
    #[arg(
        long = "backlog-max",
        env = "HOLDFAST_BACKLOG_MAX",
        default_value_t = 5_000_000
    )]
    pub backlog_max: i64,
}

impl Config {
    pub(crate) fn lease(&self) -> LeaseSettings {
        let lease = Duration::from_millis(self.lease_ms);
        LeaseSettings {
            lease,
            beat_every: lease / 6,
        }
    }

    pub(crate) fn runner(&self) -> RunnerSettings {
        RunnerSettings {
            window_max: self.window_max,
            ..RunnerSettings::default()
        }
    }
}
