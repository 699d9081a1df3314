//! A whole Holdfast in processes of its own, over a Postgres that is apart from them.
//!
//! The rule: a member keeps its ports for as long as the cluster lives, so that a client of one
//! that was killed meets the one that was started in its place.

use std::{
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::ExitStatus,
    time::Duration,
};

use anyhow::{Context as _, ensure};
use holdfast_kit::grpc;
use holdfast_postgres::Database;
use rustix::process::Signal;
use sqlx::PgConnection;
use tonic::transport::Channel;

use crate::{
    audit, binary,
    eventually::eventually,
    http,
    orders::Orders,
    payments::Payments,
    postgres::Postgres,
    process::{Process, Program},
    stock::Warehouse,
};

mod layout;

pub(crate) use layout::audit_environment;
pub use layout::{Address, Layout, Member};
use layout::{Addresses, arguments, environment};

/// How long a process may take until it answers.
const READY_WITHIN: Duration = Duration::from_secs(30);
/// How long a killed process may take to be gone.
const KILLED_WITHIN: Duration = Duration::from_secs(10);
/// How long a process may take for an orderly stop.
const STOPPED_WITHIN: Duration = Duration::from_secs(20);
/// How long migrations may take.
const MIGRATED_WITHIN: Duration = Duration::from_secs(60);

#[derive(Debug)]
struct Service {
    member: Member,
    process: Option<Process>,
}

/// A cluster; it is stopped, and everything it wrote removed, when this is dropped.
#[derive(Debug)]
pub struct Cluster {
    layout: Layout,
    binary: PathBuf,
    addresses: Addresses,
    // Before Postgres, which stops last.
    services: Vec<Service>,
    postgres: Postgres,
}

impl Cluster {
    /// Starts Postgres, migrates, starts every member, and waits until all are ready.
    ///
    /// # Errors
    /// If anything does not start; what had started is stopped.
    pub async fn start(layout: Layout) -> anyhow::Result<Cluster> {
        let mut cluster = Cluster::without_services(layout).await?;
        cluster.migrate().await?;
        let members = cluster.layout.members.clone();
        for member in &members {
            cluster.spawn(*member)?;
        }
        for member in members {
            cluster.wait_ready(member).await?;
        }
        Ok(cluster)
    }

    /// Starts Postgres alone, its databases without a schema.
    ///
    /// # Errors
    /// If there is no executable, or Postgres does not start.
    pub async fn without_services(layout: Layout) -> anyhow::Result<Cluster> {
        let binary = binary::holdfast()?;
        let addresses = Addresses::of(&layout)?;
        let services = layout.members.iter().map(|member| Service {
            member: *member,
            process: None,
        });
        Ok(Cluster {
            services: services.collect(),
            binary,
            addresses,
            postgres: Postgres::start().await?,
            layout,
        })
    }

    /// Brings the databases to the executable's schema.
    ///
    /// # Errors
    /// If `holdfast migrate` fails.
    pub async fn migrate(&self) -> anyhow::Result<()> {
        let env = environment(&self.layout, self.postgres.databases());
        let program = Program {
            path: &self.binary,
            args: &["migrate".into()],
            env: &env,
        };
        let process = Process::spawn("migrate", program, &self.log_of("migrate"))?;
        let status = process.ended(MIGRATED_WITHIN).await?;
        ensure!(
            status.success(),
            "migrate: {status}\n{}",
            process.last_words()
        );
        Ok(())
    }

    /// Its Postgres.
    pub fn postgres(&self) -> &Postgres {
        &self.postgres
    }

    /// Its Postgres, to be crashed and restarted.
    pub fn postgres_mut(&mut self) -> &mut Postgres {
        &mut self.postgres
    }

    /// The executable that it runs.
    pub fn binary(&self) -> &Path {
        &self.binary
    }

    /// What a process of it has in its environment.
    pub fn environment(&self) -> Vec<(String, String)> {
        environment(&self.layout, self.postgres.databases())
    }

    /// A connection to a database, with its owner's rights.
    ///
    /// # Errors
    /// If it cannot be had.
    pub async fn database(&self, database: Database) -> anyhow::Result<PgConnection> {
        self.postgres.connect(database).await
    }

    /// Where the order service's replica with this index answers.
    pub fn order_address(&self, replica: usize) -> Address {
        self.addresses.orders[replica]
    }

    /// Where the inventory service answers.
    pub fn inventory_address(&self) -> Address {
        self.addresses.inventory
    }

    /// Where the payment service answers.
    pub fn payment_address(&self) -> Address {
        self.addresses.payment
    }

    /// Where the auditor answers, if all roles are in one process.
    pub fn audit_address(&self) -> Address {
        self.addresses.audit
    }

    /// A caller of the first order service.
    ///
    /// # Errors
    /// Never, in truth: the address is one of ours.
    pub fn orders(&self) -> anyhow::Result<Orders> {
        self.orders_at(0)
    }

    /// A caller of the order service's replica with this index, over a connection of its own.
    ///
    /// # Errors
    /// Never, in truth: the address is one of ours.
    pub fn orders_at(&self, replica: usize) -> anyhow::Result<Orders> {
        Ok(Orders::new(channel(self.order_address(replica))?))
    }

    /// A caller of the inventory service.
    ///
    /// # Errors
    /// Never, in truth: the address is one of ours.
    pub fn warehouse(&self) -> anyhow::Result<Warehouse> {
        Ok(Warehouse::new(channel(self.inventory_address())?))
    }

    /// A caller of the payment service.
    ///
    /// # Errors
    /// Never, in truth: the address is one of ours.
    pub fn payments(&self) -> anyhow::Result<Payments> {
        Ok(Payments::new(channel(self.payment_address())?))
    }

    /// A running member's process.
    ///
    /// # Errors
    /// If it does not run.
    pub fn process(&self, member: Member) -> anyhow::Result<&Process> {
        let service = self
            .services
            .iter()
            .find(|service| service.member == member);
        let process = service.and_then(|service| service.process.as_ref());
        process.with_context(|| format!("{member} does not run"))
    }

    /// Kills a member, as `kill -9` does.
    ///
    /// # Errors
    /// If it does not run, or had ended by itself.
    pub async fn kill(&mut self, member: Member) -> anyhow::Result<()> {
        let process = self.take(member)?;
        ensure!(
            process.exit_status().is_none(),
            "{member} had ended by itself\n{}",
            process.last_words()
        );
        process.signal(Signal::KILL);
        let status = process.ended(KILLED_WITHIN).await?;
        ensure!(
            status.signal() == Some(Signal::KILL.as_raw()),
            "{member} ended with {status}"
        );
        Ok(())
    }

    /// Asks a member to stop, and gives how it ended.
    ///
    /// # Errors
    /// If it does not run, or does not stop.
    pub async fn stop(&mut self, member: Member) -> anyhow::Result<ExitStatus> {
        let process = self.take(member)?;
        process.signal(Signal::TERM);
        process.ended(STOPPED_WITHIN).await
    }

    /// Stops a member's process where it stands, as a long pause would.
    ///
    /// # Errors
    /// If it does not run.
    pub fn freeze(&self, member: Member) -> anyhow::Result<()> {
        self.process(member)?.signal(Signal::STOP);
        Ok(())
    }

    /// Lets a frozen member go on.
    ///
    /// # Errors
    /// If it does not run.
    pub fn thaw(&self, member: Member) -> anyhow::Result<()> {
        self.process(member)?.signal(Signal::CONT);
        Ok(())
    }

    /// Starts a member that does not run, and waits until it is ready.
    ///
    /// # Errors
    /// If it runs, or does not start.
    pub async fn restart(&mut self, member: Member) -> anyhow::Result<()> {
        self.spawn(member)?;
        self.wait_ready(member).await
    }

    /// Starts a member that does not run.
    ///
    /// # Errors
    /// If it runs, or cannot be started.
    pub fn spawn(&mut self, member: Member) -> anyhow::Result<()> {
        let process = self.try_out(member, &[])?;
        let service = self
            .services
            .iter_mut()
            .find(|service| service.member == member);
        let service = service.with_context(|| format!("the cluster has no {member}"))?;
        ensure!(service.process.is_none(), "{member} runs");
        service.process = Some(process);
        Ok(())
    }

    /// Starts a process as a member would be, with some `--flag=value` instead of what the member
    /// has or beside it. It is no member of the cluster.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn try_out(&self, member: Member, flags: &[String]) -> anyhow::Result<Process> {
        let mut args = arguments(member, &self.addresses);
        for flag in flags {
            let name = flag.split_inclusive('=').next().unwrap_or(flag);
            args.retain(|own| !own.starts_with(name));
            args.push(flag.clone());
        }
        let env = self.environment();
        let program = Program {
            path: &self.binary,
            args: &args,
            env: &env,
        };
        let name = member.to_string();
        Process::spawn(&name, program, &self.log_of(&name))
    }

    /// Waits until a member takes calls.
    ///
    /// # Errors
    /// If it ends, or is not ready in time.
    pub async fn wait_ready(&self, member: Member) -> anyhow::Result<()> {
        let process = self.process(member)?;
        for side in self.addresses.sides(member) {
            eventually(&format!("{member} is ready"), READY_WITHIN, async || {
                let ended = process.exit_status();
                ensure!(
                    ended.is_none(),
                    "{member} ended: {ended:?}\n{}",
                    process.last_words()
                );
                let page = http::get(side, "/readyz").await;
                Ok(page.is_ok_and(|page| page.status == 200).then_some(()))
            })
            .await?;
        }
        Ok(())
    }

    /// Waits for rest and checks every invariant; gives the auditor's summary.
    ///
    /// # Errors
    /// With everything that the auditor said, if its verdict is not PASS.
    pub async fn audit(&self) -> anyhow::Result<String> {
        audit::at_rest(&self.binary, self.postgres.databases()).await
    }

    /// Ends a cluster that tests have shared: audits it, stops every member in order, and looks
    /// whether one has panicked.
    ///
    /// # Errors
    /// If an invariant does not hold, or a member does not stop as it should.
    pub async fn finish(mut self) -> anyhow::Result<()> {
        self.audit().await?;
        for member in self.layout.members.clone() {
            if self.process(member).is_ok() {
                let status = self.stop(member).await?;
                ensure!(
                    status.success(),
                    "{member} stopped with {status}\n{}",
                    self.log(member)?
                );
            }
            let log = self.log(member)?;
            ensure!(!log.contains("panicked at"), "{member} panicked\n{log}");
        }
        Ok(())
    }

    /// Everything that a member has logged.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub fn log(&self, member: Member) -> anyhow::Result<String> {
        Ok(std::fs::read_to_string(self.log_of(&member.to_string()))?)
    }

    fn log_of(&self, name: &str) -> PathBuf {
        self.postgres.dir().join(format!("{name}.log"))
    }

    fn take(&mut self, member: Member) -> anyhow::Result<Process> {
        let service = self
            .services
            .iter_mut()
            .find(|service| service.member == member);
        let process = service.and_then(|service| service.process.take());
        process.with_context(|| format!("{member} does not run"))
    }
}

fn channel(address: Address) -> anyhow::Result<Channel> {
    Ok(grpc::channel(&address.grpc.to_string())?)
}
