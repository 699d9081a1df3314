//! Who may do what in a prepared cluster.

#![expect(clippy::unwrap_used, reason = "a panic is how a test reports")]

use clap::Parser;
use holdfast_postgres::{Database, Databases, Location, Options, ParentDeath, Server, SourceArgs};
use sqlx::{Connection, PgConnection};

#[derive(Parser)]
struct Args {
    #[command(flatten)]
    source: SourceArgs,
}

async fn cluster() -> (Server, Databases) {
    let options = Options {
        location: Location::Ephemeral,
        source: Args::parse_from(["test"]).source.into(),
        port: None,
        parent_death: ParentDeath::Stop,
    };
    let server = Server::start(options).await.unwrap();
    let databases = Databases::prepare(&server).await.unwrap();
    (server, databases)
}

async fn run(url: &str, statement: &'static str) -> Result<(), String> {
    let failed = |error: sqlx::Error| match error.as_database_error() {
        Some(refused) => refused.code().map(String::from).unwrap_or_default(),
        None => error.to_string(),
    };
    let mut connection = PgConnection::connect(url).await.map_err(failed)?;
    sqlx::query(statement)
        .execute(&mut connection)
        .await
        .map(|_| ())
        .map_err(failed)
}

const INSUFFICIENT_PRIVILEGE: &str = "42501";
const READ_ONLY: &str = "25006";
const WRONG_PASSWORD: &str = "28P01";

#[tokio::test]
async fn each_role_reaches_its_own_database_and_no_other() {
    let (_server, databases) = cluster().await;
    for database in Database::ALL {
        let own = databases.owner(database);
        run(own, "create table mine (n int)").await.unwrap();
        for other in Database::ALL.into_iter().filter(|other| *other != database) {
            let url = own.strip_suffix(database.name()).unwrap().to_owned() + other.name();
            assert_eq!(
                run(&url, "select 1").await,
                Err(INSUFFICIENT_PRIVILEGE.into())
            );
        }
        let url = own.strip_suffix(database.name()).unwrap().to_owned() + "postgres";
        assert_eq!(
            run(&url, "select 1").await,
            Err(INSUFFICIENT_PRIVILEGE.into())
        );
    }
}

#[tokio::test]
async fn auditor_reads_what_comes_later_too_and_writes_nothing() {
    let (server, databases) = cluster().await;
    for database in Database::ALL {
        run(databases.owner(database), "create table later (n int)")
            .await
            .unwrap();
        run(
            databases.owner(database),
            "create view seen as select n from later",
        )
        .await
        .unwrap();
        let audit = databases.audit(database);
        run(audit, "select n from later").await.unwrap();
        run(audit, "select n from seen").await.unwrap();
        run(audit, "select size from pg_ls_waldir()").await.unwrap();
        assert_eq!(
            run(audit, "insert into later values (1)").await,
            Err(READ_ONLY.into())
        );
        let defiant = format!("{audit}?options=-c%20default_transaction_read_only%3Doff");
        assert_eq!(
            run(&defiant, "insert into later values (1)").await,
            Err(INSUFFICIENT_PRIVILEGE.into())
        );
        assert_eq!(
            run(&defiant, "create table x (n int)").await,
            Err(INSUFFICIENT_PRIVILEGE.into())
        );
    }
    // Preparing again changes nothing.
    let again = Databases::prepare(&server).await.unwrap();
    run(again.audit(Database::Order), "select n from later")
        .await
        .unwrap();
}

#[tokio::test]
async fn nobody_gets_in_without_a_password() {
    let (_server, databases) = cluster().await;
    for url in [databases.superuser(), databases.owner(Database::Order)] {
        let (before, after) = url.split_once('@').unwrap();
        let (user, _) = before.rsplit_once(':').unwrap();
        let guessed = format!("{user}:guessed@{after}");
        assert_eq!(run(&guessed, "select 1").await, Err(WRONG_PASSWORD.into()));
    }
}

#[tokio::test]
async fn server_is_durable() {
    let (_server, databases) = cluster().await;
    let mut connection = PgConnection::connect(databases.owner(Database::Order))
        .await
        .unwrap();
    for setting in [
        "fsync",
        "full_page_writes",
        "synchronous_commit",
        "data_checksums",
    ] {
        let value: String = sqlx::query_scalar("select current_setting($1)")
            .bind(setting)
            .fetch_one(&mut connection)
            .await
            .unwrap();
        assert_eq!(value, "on", "{setting}");
    }
}
