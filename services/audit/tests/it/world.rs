//! Four databases of one test, with a world in them in which everything adds up.
//! Constraints that forbid what a test plants are dropped, for a row that no service can write is
//! what the auditor is for.

use holdfast_audit::{Config, Finding, Report, Source, Urls, audit};
use holdfast_postgres::testing::TestDatabase;
use sqlx::migrate::Migrator;
use sqlx::{AssertSqlSafe, ConnectOptions, PgConnection};
use tokio::sync::Mutex;

static ORDER: Migrator = sqlx::migrate!("../../migrations/order");
static INVENTORY: Migrator = sqlx::migrate!("../../migrations/inventory");
static PAYMENT: Migrator = sqlx::migrate!("../../migrations/payment");
static PROVIDER: Migrator = sqlx::migrate!("../../migrations/provider");

const IDS: &str = include_str!("world/ids.sql");
const REFERENCES: &str = include_str!("world/references.sql");

/// All of them.
const SOURCES: [Source; 4] = [
    Source::Order,
    Source::Inventory,
    Source::Payment,
    Source::Provider,
];

/// Lets a test plant what checks and unique keys forbid.
const DROP_CONSTRAINTS: &str = "
    do $$
    declare
        it record;
    begin
        for it in
            select c.conname, c.conrelid::regclass as name
            from pg_constraint c
            where c.connamespace = 'public'::regnamespace
                and c.contype in ('c', 'u', 'p')
                and c.conrelid <> '_sqlx_migrations'::regclass
        loop
            execute format('alter table %s drop constraint %I', it.name, it.conname);
        end loop;
    end $$;
    do $$
    declare
        it record;
    begin
        for it in
            select a.attname, a.attrelid::regclass as name
            from pg_attribute a
            join pg_class c on c.oid = a.attrelid
            where c.relnamespace = 'public'::regnamespace
                and c.relkind = 'r'
                and a.attnotnull
                and a.attnum > 0
                and c.relname <> '_sqlx_migrations'
        loop
            execute format('alter table %s alter column %I drop not null', it.name, it.attname);
        end loop;
    end $$;";

/// One of the databases, with a session that writes to it.
struct Part {
    database: TestDatabase,
    session: Mutex<PgConnection>,
}

impl Part {
    async fn create(name: &str, migrator: &Migrator) -> Part {
        let database = TestDatabase::create(name, migrator).await;
        // What a test plants need not survive the server.
        let options = database.options().options([("synchronous_commit", "off")]);
        let session = Mutex::new(options.connect().await.expect("it was just made"));
        Part { database, session }
    }
}

/// The databases.
pub(crate) struct World([Part; SOURCES.len()]);

impl World {
    /// Makes the four databases, migrated and empty.
    pub(crate) async fn empty() -> World {
        let (order, inventory, payment, provider) = tokio::join!(
            Part::create("audit_order", &ORDER),
            Part::create("audit_inventory", &INVENTORY),
            Part::create("audit_payment", &PAYMENT),
            Part::create("audit_provider", &PROVIDER),
        );
        World([order, inventory, payment, provider])
    }

    /// Makes them and puts the world in.
    pub(crate) async fn whole() -> World {
        let world = World::empty().await;
        for source in SOURCES {
            world.reset(source).await;
        }
        world
    }

    /// The same, without the constraints that keep bad rows out.
    pub(crate) async fn defenceless() -> World {
        let world = World::whole().await;
        for source in SOURCES {
            world.run(source, DROP_CONSTRAINTS).await;
        }
        world
    }

    /// Puts one of them back as it was.
    pub(crate) async fn reset(&self, source: Source) {
        let parts = match source {
            Source::Order => [IDS, "", include_str!("world/order.sql")],
            Source::Inventory => [IDS, "", include_str!("world/inventory.sql")],
            Source::Payment => [IDS, REFERENCES, include_str!("world/payment.sql")],
            Source::Provider => [IDS, REFERENCES, include_str!("world/provider.sql")],
        };
        self.run(source, &parts.join("\n")).await;
    }

    fn part(&self, source: Source) -> &Part {
        &self.0[source as usize]
    }

    /// Runs statements in one of them.
    pub(crate) async fn run(&self, source: Source, statements: &str) {
        let mut session = self.part(source).session.lock().await;
        sqlx::raw_sql(AssertSqlSafe(statements.to_owned()))
            .execute(&mut *session)
            .await
            .unwrap_or_else(|error| panic!("{statements}: {error}"));
    }

    /// Where they are.
    pub(crate) fn urls(&self) -> Urls {
        let url = |source| Some(self.part(source).database.url().to_owned());
        Urls {
            order: url(Source::Order),
            inventory: url(Source::Inventory),
            payment: url(Source::Payment),
            provider: url(Source::Provider),
        }
    }

    /// Audits them as they are, at any instant.
    pub(crate) async fn audit(&self) -> (Report, Vec<Finding>) {
        audited(Config::new(self.urls())).await
    }

    /// Audits them at rest.
    pub(crate) async fn audit_at_rest(&self) -> (Report, Vec<Finding>) {
        audited(Config {
            at_rest: true,
            ..Config::new(self.urls())
        })
        .await
    }
}

/// Runs an audit and keeps what it finds.
pub(crate) async fn audited(config: Config) -> (Report, Vec<Finding>) {
    let mut findings = Vec::new();
    let report = audit(config, |finding| findings.push(finding)).await;
    (report, findings)
}
