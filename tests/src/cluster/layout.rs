//! Which processes a cluster has, where they listen and what they are told.

use std::{fmt, net::SocketAddr, time::Duration};

use holdfast_postgres::{Database, Databases};

use crate::ports;

/// A process of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Member {
    /// All roles in one process.
    All,
    /// A replica of the order service.
    Order(usize),
    /// The inventory service.
    Inventory,
    /// The payment service.
    Payment,
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Member::All => f.write_str("all"),
            Member::Order(replica) => write!(f, "order-{replica}"),
            Member::Inventory => f.write_str("inventory"),
            Member::Payment => f.write_str("payment"),
        }
    }
}

/// What a cluster is made of.
#[derive(Clone, Debug)]
pub struct Layout {
    pub(super) members: Vec<Member>,
    settings: Vec<(String, String)>,
}

impl Layout {
    /// All roles in one process, as `dev` has them.
    pub fn all() -> Self {
        Self {
            members: vec![Member::All],
            settings: Vec::new(),
        }
    }

    /// Each role in a process of its own, and so many replicas of the order service.
    pub fn split(order_replicas: usize) -> Self {
        let mut members = vec![Member::Inventory, Member::Payment];
        members.extend((0..order_replicas).map(Member::Order));
        Self {
            members,
            settings: Vec::new(),
        }
    }

    /// With this lease for sagas instead of the default.
    #[must_use]
    pub fn with_lease(self, lease: Duration) -> Self {
        self.with("HOLDFAST_LEASE_MS", lease.as_millis())
    }

    /// With a setting in every process's environment.
    #[must_use]
    pub fn with(mut self, variable: &str, value: impl fmt::Display) -> Self {
        self.settings.push((variable.into(), value.to_string()));
        self
    }
}

/// Where a role answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// gRPC.
    pub grpc: SocketAddr,
    /// /livez, /readyz and /metrics.
    pub side: SocketAddr,
}

impl Address {
    fn free() -> anyhow::Result<Address> {
        Ok(Address {
            grpc: ports::free()?,
            side: ports::free()?,
        })
    }
}

#[derive(Clone, Debug)]
pub(super) struct Addresses {
    pub(super) orders: Vec<Address>,
    pub(super) inventory: Address,
    pub(super) payment: Address,
    pub(super) audit: Address,
}

impl Addresses {
    pub(super) fn of(layout: &Layout) -> anyhow::Result<Addresses> {
        let takes_orders = |member: &&Member| matches!(member, Member::All | Member::Order(_));
        let orders = layout
            .members
            .iter()
            .filter(takes_orders)
            .map(|_| Address::free());
        Ok(Addresses {
            orders: orders.collect::<anyhow::Result<_>>()?,
            inventory: Address::free()?,
            payment: Address::free()?,
            audit: Address::free()?,
        })
    }

    /// The side ports of a member's roles.
    pub(super) fn sides(&self, member: Member) -> Vec<SocketAddr> {
        let roles = match member {
            Member::All => vec![self.orders[0], self.inventory, self.payment, self.audit],
            Member::Order(replica) => vec![self.orders[replica]],
            Member::Inventory => vec![self.inventory],
            Member::Payment => vec![self.payment],
        };
        roles.into_iter().map(|role| role.side).collect()
    }
}

/// The verb and the flags that start a member.
pub(super) fn arguments(member: Member, addresses: &Addresses) -> Vec<String> {
    let listen = |role: &str, Address { grpc, side }: Address| {
        [
            format!("--{role}-listen={grpc}"),
            format!("--{role}-side-listen={side}"),
        ]
    };
    let order = |replica: usize| listen("order", addresses.orders[replica]);
    let inventory = listen("inventory", addresses.inventory);
    let payment = listen("payment", addresses.payment);
    let (role, flags) = match member {
        Member::All => {
            let audit = listen("audit", addresses.audit);
            ("all", [order(0), inventory, payment, audit].concat())
        }
        Member::Order(replica) => {
            let found = [
                format!("--inventory-address=http://{}", addresses.inventory.grpc),
                format!("--payment-address=http://{}", addresses.payment.grpc),
            ];
            ("order", [order(replica), found].concat())
        }
        Member::Inventory => ("inventory", inventory.to_vec()),
        Member::Payment => ("payment", payment.to_vec()),
    };
    let verb = ["serve".to_owned(), role.to_owned()];
    verb.into_iter().chain(flags).collect()
}

/// What every process is told by its environment, where no other user reads the passwords.
pub(super) fn environment(layout: &Layout, databases: &Databases) -> Vec<(String, String)> {
    let mut environment = audit_environment(databases);
    for database in Database::ALL {
        environment.push((database.variable().into(), databases.owner(database).into()));
    }
    environment.extend_from_slice(&layout.settings);
    environment
}

/// What an auditor is told.
pub(crate) fn audit_environment(databases: &Databases) -> Vec<(String, String)> {
    let url = |database: Database| {
        let role = database.directory().to_uppercase();
        let variable = format!("HOLDFAST_AUDIT_{role}_DATABASE_URL");
        (variable, databases.audit(database).to_owned())
    };
    Database::ALL.map(url).to_vec()
}
