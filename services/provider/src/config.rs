//! What the simulated provider is told at its start: a flag, or the environment.

/// The configuration of the simulated provider.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Config {
    /// The simulated provider's own database: postgres://user@host:port/name.
    #[arg(
        id = "provider_database_url",
        long = "provider-database-url",
        env = "HOLDFAST_PROVIDER_DATABASE_URL",
        hide_env_values = true,
        value_name = "URL"
    )]
    pub database_url: String,
}
