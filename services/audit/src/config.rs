//! What an audit is told: where the databases are, and what to check.
//! The URLs are those of read-only roles; the sessions are read only whatever the roles may do.

use std::time::Duration;

use crate::finding::Source;
use crate::predicate::PredicateId;

/// How long rest is waited for where nobody says otherwise.
pub const REST_WAIT_DEFAULT: Duration = Duration::from_secs(60);

/// Where the databases are, as postgres://user:password@host:port/name of a role that may only
/// read. What depends on a database without a URL is UNKNOWN.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(skip)]
pub struct Urls {
    /// The order database, for a role that may only read: postgres://user@host:port/name.
    #[arg(
        id = "audit_order_database_url",
        long = "audit-order-database-url",
        env = "HOLDFAST_AUDIT_ORDER_DATABASE_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    pub order: Option<String>,

    /// The inventory database, for a role that may only read.
    #[arg(
        id = "audit_inventory_database_url",
        long = "audit-inventory-database-url",
        env = "HOLDFAST_AUDIT_INVENTORY_DATABASE_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    pub inventory: Option<String>,

    /// The payment database, for a role that may only read.
    #[arg(
        id = "audit_payment_database_url",
        long = "audit-payment-database-url",
        env = "HOLDFAST_AUDIT_PAYMENT_DATABASE_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    pub payment: Option<String>,

    /// The simulated provider's ledger, for a role that may only read. Leave it out where the
    /// provider is a real one: what only it can tell is then UNKNOWN.
    #[arg(
        id = "audit_provider_database_url",
        long = "audit-provider-database-url",
        env = "HOLDFAST_AUDIT_PROVIDER_DATABASE_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    pub provider: Option<String>,
}

impl Urls {
    pub(crate) fn of(&self, source: Source) -> Option<&str> {
        match source {
            Source::Order => self.order.as_deref(),
            Source::Inventory => self.inventory.as_deref(),
            Source::Payment => self.payment.as_deref(),
            Source::Provider => self.provider.as_deref(),
        }
    }
}

/// What one audit checks.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the databases are.
    pub urls: Urls,
    /// Only these predicates; empty: all that the mode allows.
    pub predicates: Vec<PredicateId>,
    /// Also checks what holds at rest only, and first waits for rest.
    pub at_rest: bool,
    /// How long to wait for rest at most; without it what holds at rest only is UNKNOWN.
    pub rest_wait_max: Duration,
}

impl Config {
    /// Gives the audit of everything that holds at any instant.
    pub fn new(urls: Urls) -> Self {
        Self {
            urls,
            predicates: Vec::new(),
            at_rest: false,
            rest_wait_max: REST_WAIT_DEFAULT,
        }
    }
}
