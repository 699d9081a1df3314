//! One read-only session per database. That it is read only is asked of the server before the
//! first statement: a session that could write is not used.

use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection, Postgres, Transaction};

use crate::config::Urls;
use crate::finding::Source;

/// How long the server may take to answer the first time.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A statement that runs longer is stopped by the server.
const STATEMENT_TIMEOUT: Duration = Duration::from_mins(10);
/// Whoever changes the schema holds an audit up no longer than this.
const LOCK_TIMEOUT: Duration = Duration::from_secs(10);
/// An auditor that was stopped holds no snapshot for longer than this.
const IDLE_IN_TRANSACTION_TIMEOUT: Duration = Duration::from_mins(1);
/// A connection whose data is not acknowledged for so long is taken for gone, by the server.
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(30);
/// What one sort or hash takes before it goes to disk, in kB.
const WORK_MEM_KB: u64 = 32 * 1024;

/// Begins a snapshot.
const SNAPSHOT: &str = "begin isolation level repeatable read, read only";

/// Why a database cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error("the {0} database has no url")]
    Absent(Source),
    #[error("the provider's ledger has no url: a real provider's cannot be read")]
    NoLedger,
    // The URL is not repeated: it may hold a password.
    #[error("the url of the {0} database is not postgres://user@host:port/name")]
    Url(Source),
    #[error("the {0} database does not answer within {wait} s", wait = CONNECT_TIMEOUT.as_secs())]
    Silent(Source),
    #[error("the {0} database cannot be reached: {1}")]
    Unreachable(Source, sqlx::Error),
    #[error("the session of the {0} database is not read only, so it is not used")]
    Writable(Source),
    #[error("the {0} database cannot be read: {1}")]
    Statement(Source, sqlx::Error),
}

/// A read-only session.
#[derive(Debug)]
pub(crate) struct Database {
    source: Source,
    connection: PgConnection,
}

impl Database {
    /// Opens a session and checks that it is read only.
    async fn open(source: Source, url: &str) -> Result<Self, Unreadable> {
        let options: PgConnectOptions = url.parse().map_err(|_| Unreadable::Url(source))?;
        let options = settings(options, source);
        let mut connection = tokio::time::timeout(CONNECT_TIMEOUT, options.connect())
            .await
            .map_err(|_| Unreadable::Silent(source))?
            .map_err(|error| Unreadable::Unreachable(source, error))?;
        let read_only: bool = sqlx::query_scalar(
            "-- audit: is the session read only
            select current_setting('transaction_read_only')::boolean",
        )
        .fetch_one(&mut connection)
        .await
        .map_err(|error| Unreadable::Statement(source, error))?;
        if !read_only {
            return Err(Unreadable::Writable(source));
        }
        Ok(Self { source, connection })
    }

    pub(crate) fn source(&self) -> Source {
        self.source
    }

    /// Gives the session, each statement of which sees its own snapshot.
    pub(crate) fn connection(&mut self) -> &mut PgConnection {
        &mut self.connection
    }

    /// Begins one snapshot for several statements; dropping it ends it.
    pub(crate) async fn snapshot(&mut self) -> Result<Transaction<'_, Postgres>, sqlx::Error> {
        self.connection.begin_with(SNAPSHOT).await
    }

    /// Says goodbye; the server would notice by itself.
    async fn close(self) {
        self.connection.close().await.ok();
    }
}

fn settings(options: PgConnectOptions, source: Source) -> PgConnectOptions {
    let milliseconds = |duration: Duration| duration.as_millis().to_string();
    options
        .application_name(&format!("holdfast/audit-{source}"))
        .options([
            ("default_transaction_read_only", "on".to_owned()),
            ("statement_timeout", milliseconds(STATEMENT_TIMEOUT)),
            ("lock_timeout", milliseconds(LOCK_TIMEOUT)),
            (
                "idle_in_transaction_session_timeout",
                milliseconds(IDLE_IN_TRANSACTION_TIMEOUT),
            ),
            ("tcp_user_timeout", milliseconds(TCP_USER_TIMEOUT)),
            ("work_mem", WORK_MEM_KB.to_string()),
            // Tables may have been empty when the first page was planned.
            ("plan_cache_mode", "force_custom_plan".to_owned()),
            ("jit", "off".to_owned()),
        ])
}

/// A database, or the sentence that says why there is none.
pub(crate) type Session = Result<Database, String>;

/// A session during a walk, or the sentence that says why there is none any more.
pub(crate) type Reader<'a> = Result<&'a mut Database, String>;

/// Lends a session to a walk.
pub(crate) fn reader(session: &mut Session) -> Reader<'_> {
    session.as_mut().map_err(|cause| cause.clone())
}

/// Makes the sentence of a statement that failed.
pub(crate) fn failed(source: Source) -> impl Fn(sqlx::Error) -> String {
    move |error| Unreadable::Statement(source, error).to_string()
}

/// The four databases.
#[derive(Debug)]
pub(crate) struct Databases {
    pub(crate) order: Session,
    pub(crate) inventory: Session,
    pub(crate) payment: Session,
    pub(crate) provider: Session,
}

impl Databases {
    /// Opens what can be opened.
    pub(crate) async fn open(urls: &Urls) -> Self {
        let (order, inventory, payment, provider) = tokio::join!(
            session(urls, Source::Order),
            session(urls, Source::Inventory),
            session(urls, Source::Payment),
            session(urls, Source::Provider),
        );
        Self {
            order,
            inventory,
            payment,
            provider,
        }
    }

    /// Gives the session of one.
    pub(crate) fn of(&self, source: Source) -> &Session {
        match source {
            Source::Order => &self.order,
            Source::Inventory => &self.inventory,
            Source::Payment => &self.payment,
            Source::Provider => &self.provider,
        }
    }

    pub(crate) async fn close(self) {
        let sessions = [self.order, self.inventory, self.payment, self.provider];
        for database in sessions.into_iter().flatten() {
            database.close().await;
        }
    }
}

async fn session(urls: &Urls, source: Source) -> Session {
    let opened = match (urls.of(source), source) {
        (Some(url), _) => Database::open(source, url).await,
        (None, Source::Provider) => Err(Unreadable::NoLedger),
        (None, Source::Order | Source::Inventory | Source::Payment) => {
            Err(Unreadable::Absent(source))
        }
    };
    opened.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use holdfast_postgres::testing::TestDatabase;
    use sqlx::migrate::Migrator;

    use super::{Database, Unreadable};
    use crate::finding::Source;

    static PROVIDER: Migrator = sqlx::migrate!("../../migrations/provider");

    #[tokio::test]
    async fn a_session_cannot_write_even_for_a_role_that_may() {
        let database = TestDatabase::create("audit_session", &PROVIDER).await;
        // What the URL asks for does not count.
        for options in ["", "?options=-c%20default_transaction_read_only%3Doff"] {
            let url = format!("{}{options}", database.url());
            let mut session = Database::open(Source::Provider, &url).await.unwrap();
            let written = sqlx::query("delete from scripts")
                .execute(session.connection())
                .await;
            let error = written.unwrap_err().into_database_error().unwrap();
            assert_eq!(error.code().as_deref(), Some("25006"), "{error}");
            let mut snapshot = session.snapshot().await.unwrap();
            assert!(
                sqlx::query("delete from scripts")
                    .execute(&mut *snapshot)
                    .await
                    .is_err()
            );
        }
    }

    #[tokio::test]
    async fn an_unreachable_database_is_named_without_its_url() {
        let url = "postgres://auditor:secret@127.0.0.1:1/away";
        let error = Database::open(Source::Order, url).await.unwrap_err();
        assert!(matches!(error, Unreadable::Unreachable(..)), "{error}");
        assert!(!error.to_string().contains("secret"));
    }
}
