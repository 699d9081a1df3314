//! The roles in one process: each on its own ports, speaking gRPC to the others on loopback.
//!
//! The rule: whoever asks stops before whoever answers. The order service drains while inventory
//! and payment still serve, so that no saga is cut off by its own process.

use std::{net::SocketAddr, sync::Arc};

use anyhow::Context as _;
use holdfast_kit::bootstrap::{Running, StartError};
use holdfast_provider::SimulatedProvider;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// What every role is told. As flags, `holdfast serve all` has them.
#[derive(clap::Args, Clone, Debug)]
pub struct Configs {
    /// The order service's.
    #[command(flatten)]
    pub order: holdfast_order::Config,
    /// The inventory service's.
    #[command(flatten)]
    pub inventory: holdfast_inventory::Config,
    /// The payment service's.
    #[command(flatten)]
    pub payment: holdfast_payment::Config,
    /// The simulated provider's.
    #[command(flatten)]
    pub provider: holdfast_provider::Config,
    /// The auditor's.
    #[command(flatten)]
    pub audit: holdfast_audit::ServeConfig,
}

/// Where a role answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// gRPC.
    pub grpc: SocketAddr,
    /// /livez, /readyz and /metrics.
    pub side: SocketAddr,
}

/// Where all of them answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// The order service.
    pub order: Address,
    /// The inventory service.
    pub inventory: Address,
    /// The payment service.
    pub payment: Address,
    /// The auditor.
    pub audit: Address,
}

impl Addresses {
    /// The gRPC addresses as the lines of a shell's environment, under the names that every verb
    /// reads them by.
    pub(crate) fn environment(&self) -> String {
        [
            ("ORDER", self.order),
            ("INVENTORY", self.inventory),
            ("PAYMENT", self.payment),
            ("AUDIT", self.audit),
        ]
        .map(|(role, address)| format!("HOLDFAST_{role}_ADDRESS={}\n", address.grpc))
        .concat()
    }
}

/// All roles, running.
#[derive(Debug)]
pub struct Roles {
    addresses: Addresses,
    askers: CancellationToken,
    answerers: CancellationToken,
    order: JoinHandle<()>,
    audit: JoinHandle<()>,
    inventory: JoinHandle<()>,
    payment: JoinHandle<()>,
}

impl Roles {
    /// Starts all of them.
    ///
    /// # Errors
    /// The first thing that is wrong; what had started is stopped.
    pub async fn start(configs: Configs) -> Result<Roles, StartError> {
        let (askers, answerers) = (CancellationToken::new(), CancellationToken::new());
        // If one does not start, the others hear of it.
        let (askers_guard, answerers_guard) =
            (askers.clone().drop_guard(), answerers.clone().drop_guard());
        let Configs {
            mut order,
            inventory,
            payment,
            provider,
            audit,
        } = configs;
        let inventory = holdfast_inventory::start(inventory, answerers.clone()).await?;
        let payment = start_payment(payment, provider, answerers.clone()).await?;
        order.inventory_address = inventory.address.to_string();
        order.payment_address = payment.address.to_string();
        let order = holdfast_order::start(order, askers.clone()).await?;
        let audit = holdfast_audit::start(audit, askers.clone()).await?;
        let address = |running: &Running| Address {
            grpc: running.address,
            side: running.side_address,
        };
        let addresses = Addresses {
            order: address(&order),
            inventory: address(&inventory),
            payment: address(&payment),
            audit: address(&audit),
        };
        askers_guard.disarm();
        answerers_guard.disarm();
        Ok(Roles {
            addresses,
            askers,
            answerers,
            order: order.joined,
            audit: audit.joined,
            inventory: inventory.joined,
            payment: payment.joined,
        })
    }

    /// Where they answer.
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Completes when one of them has ended without being asked to, with its name.
    ///
    /// # Cancellation
    /// Safe: it only watches.
    pub async fn one_ended(&mut self) -> &'static str {
        tokio::select! {
            _ = &mut self.order => "order",
            _ = &mut self.audit => "audit",
            _ = &mut self.inventory => "inventory",
            _ = &mut self.payment => "payment",
        }
    }

    /// Stops them, and waits until they have.
    ///
    /// # Errors
    /// If one of them panicked.
    ///
    /// # Cancellation
    /// Those that were told to stop go on stopping.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.askers.cancel();
        let order = ended(self.order)
            .await
            .context("the order service panicked");
        let audit = ended(self.audit).await.context("the auditor panicked");
        self.answerers.cancel();
        let inventory = ended(self.inventory)
            .await
            .context("the inventory service panicked");
        let payment = ended(self.payment)
            .await
            .context("the payment service panicked");
        order.and(audit).and(inventory).and(payment)
    }
}

/// Waits for a task, unless it was waited for before.
async fn ended(task: JoinHandle<()>) -> Result<(), tokio::task::JoinError> {
    if task.is_finished() {
        Ok(())
    } else {
        task.await
    }
}

/// Starts the payment service over the simulated provider.
///
/// # Errors
/// If either database is not one to start on, or a port is taken.
pub async fn start_payment(
    payment: holdfast_payment::Config,
    provider: holdfast_provider::Config,
    shutdown: CancellationToken,
) -> Result<Running, StartError> {
    let gateway = SimulatedProvider::start(provider).await?;
    holdfast_payment::start(payment, Arc::new(gateway), shutdown).await
}
