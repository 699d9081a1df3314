//! `holdfast serve`: one role, or all of them in one process.
//!
//! The rule: SIGTERM and Ctrl-C drain; a role that ends by itself is a failure.

use anyhow::Context as _;
use clap::Subcommand;
use holdfast::roles::{self, Configs, Roles};
use holdfast_kit::{bootstrap::Running, shutdown};

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(subcommand)]
    role: Role,
}

#[derive(Debug, Subcommand)]
enum Role {
    /// Takes orders and carries each through its saga.
    Order(holdfast_order::Config),
    /// Knows what there is of each SKU and sets it aside for whoever is buying.
    Inventory(holdfast_inventory::Config),
    /// Moves money at a provider, each operation once, and undoes it.
    Payment(Payment),
    /// Checks what must always be true.
    Audit(holdfast_audit::ServeConfig),
    /// All of them in this process, speaking gRPC on loopback.
    All(Box<Configs>),
}

#[derive(clap::Args, Debug)]
struct Payment {
    #[command(flatten)]
    payment: holdfast_payment::Config,
    #[command(flatten)]
    provider: holdfast_provider::Config,
}

pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let shutdown = shutdown::on_signal()?;
    let running: Running = match args.role {
        Role::Order(config) => holdfast_order::start(config, shutdown.clone()).await?,
        Role::Inventory(config) => holdfast_inventory::start(config, shutdown.clone()).await?,
        Role::Payment(Payment { payment, provider }) => {
            roles::start_payment(payment, provider, shutdown.clone()).await?
        }
        Role::Audit(config) => holdfast_audit::start(config, shutdown.clone()).await?,
        Role::All(configs) => {
            let mut roles = Roles::start(*configs).await?;
            let ended = tokio::select! {
                () = shutdown.cancelled() => Ok(()),
                name = roles.one_ended() => Err(anyhow::anyhow!("the {name} service ended")),
            };
            return ended.and(roles.stop().await);
        }
    };
    running.stopped().await.context("the service panicked")?;
    anyhow::ensure!(shutdown.is_cancelled(), "the service ended by itself");
    Ok(())
}
