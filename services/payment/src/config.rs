//! What the payment service is told at its start: flags, or the environment.

use std::net::SocketAddr;

/// The configuration of the payment service.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Config {
    /// Where the payment service answers gRPC; loopback only, port 0 takes any free one.
    #[arg(
        id = "payment_listen",
        long = "payment-listen",
        env = "HOLDFAST_PAYMENT_LISTEN",
        default_value = "127.0.0.1:50053",
        value_name = "ADDRESS"
    )]
    pub listen: SocketAddr,
    /// Where the payment service answers /livez, /readyz and /metrics.
    #[arg(
        id = "payment_side_listen",
        long = "payment-side-listen",
        env = "HOLDFAST_PAYMENT_SIDE_LISTEN",
        default_value = "127.0.0.1:50153",
        value_name = "ADDRESS"
    )]
    pub side_listen: SocketAddr,
    /// The payment database: postgres://user@host:port/name.
    #[arg(
        id = "payment_database_url",
        long = "payment-database-url",
        env = "HOLDFAST_PAYMENT_DATABASE_URL",
        hide_env_values = true,
        value_name = "URL"
    )]
    pub database_url: String,
}
