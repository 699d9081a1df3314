//! Judgements on settings and schemas, pure ones first, then over a real server.
//! Tests of the second kind change nothing but their own session.

use std::borrow::Cow;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{Connection, PgConnection, SqlSafeStr};

use super::schema::{Applied, compare};
use super::settings::{Settings, judge};
use super::{DatabaseError, SchemaMismatch, UnsafeDatabase, check_schema, check_settings, open};

fn safe() -> Settings {
    Settings {
        fsync: "on".to_owned(),
        full_page_writes: "on".to_owned(),
        synchronous_commit: "on".to_owned(),
        server_version: 150_004,
        read_only: false,
    }
}

#[test]
fn safe_settings_pass_whatever_a_standby_is_waited_for() {
    for level in ["on", "local", "remote_write", "remote_apply"] {
        judge(&Settings {
            synchronous_commit: level.to_owned(),
            ..safe()
        })
        .unwrap();
    }
    judge(&Settings {
        server_version: 180_000,
        ..safe()
    })
    .unwrap();
}

#[test]
fn each_unsafe_setting_is_refused_by_name() {
    let off = || "off".to_owned();
    for (settings, sentence) in [
        (
            Settings {
                fsync: off(),
                ..safe()
            },
            "fsync is off",
        ),
        (
            Settings {
                full_page_writes: off(),
                ..safe()
            },
            "full_page_writes is off",
        ),
        (
            Settings {
                synchronous_commit: off(),
                ..safe()
            },
            "synchronous_commit is off",
        ),
        (
            Settings {
                fsync: off(),
                full_page_writes: off(),
                ..safe()
            },
            "fsync is off, full_page",
        ),
        (
            Settings {
                server_version: 140_009,
                ..safe()
            },
            "PostgreSQL 14",
        ),
        (
            Settings {
                read_only: true,
                ..safe()
            },
            "read-only",
        ),
    ] {
        let error = judge(&settings).unwrap_err().to_string();
        assert!(error.contains(sentence), "{error}");
    }
}

fn migration(version: i64, sql: &'static str) -> Migration {
    let (name, kind) = (Cow::Borrowed("test"), MigrationType::Simple);
    Migration::new(version, name, kind, sql.into_sql_str(), false)
}

fn applied(migration: &Migration) -> Applied {
    Applied {
        version: migration.version,
        success: true,
        checksum: migration.checksum.to_vec(),
    }
}

#[test]
fn only_exactly_the_known_schema_passes() {
    let known = [migration(1, "select 1"), migration(2, "select 2")];
    let both: Vec<_> = known.iter().map(applied).collect();
    let judge = |rows: &[Applied]| compare(known.iter(), rows);
    judge(&both).unwrap();
    assert!(matches!(judge(&[]), Err(SchemaMismatch::Missing)));
    assert!(matches!(judge(&both[..1]), Err(SchemaMismatch::Older(2))));
    let newer = [both.clone(), vec![applied(&migration(3, "select 3"))]].concat();
    assert!(matches!(judge(&newer), Err(SchemaMismatch::Newer(3))));
    let changed = [applied(&migration(1, "select 7")), both[1].clone()];
    assert!(matches!(judge(&changed), Err(SchemaMismatch::Changed(1))));
    let unfinished = [
        Applied {
            success: false,
            ..both[0].clone()
        },
        both[1].clone(),
    ];
    assert!(matches!(
        judge(&unfinished),
        Err(SchemaMismatch::Unfinished(1))
    ));
}

fn server_url() -> String {
    std::env::var("HOLDFAST_TEST_POSTGRES_URL").expect(
        "this test needs a PostgreSQL server: set HOLDFAST_TEST_POSTGRES_URL to a superuser's URL, \
         such as postgres://postgres@127.0.0.1:5432/postgres, or run `make check`",
    )
}

async fn connect() -> PgConnection {
    PgConnection::connect(&server_url()).await.unwrap()
}

#[tokio::test]
async fn a_real_servers_settings_are_read_in_the_session() {
    let mut connection = connect().await;
    check_settings(&mut connection).await.unwrap();
    sqlx::query("set synchronous_commit = off")
        .execute(&mut connection)
        .await
        .unwrap();
    let error = check_settings(&mut connection).await.unwrap_err();
    assert!(
        matches!(&error, UnsafeDatabase::Settings(found) if found.len() == 1),
        "{error}"
    );
}

#[tokio::test]
async fn a_real_databases_schema_is_compared_with_the_binarys() {
    let mut connection = connect().await;
    let migrator = Migrator::with_migrations(vec![migration(1, "select 1")]);
    let run = async |connection: &mut PgConnection, sql| {
        sqlx::query(sql).execute(connection).await.unwrap();
    };
    // Temporary tables come first in the search path, so the test has a list of its own.
    run(&mut connection, "set search_path = pg_temp").await;
    let missing = check_schema(&mut connection, &migrator).await.unwrap_err();
    assert!(matches!(missing, SchemaMismatch::Missing), "{missing}");

    run(
        &mut connection,
        "create temporary table _sqlx_migrations (version bigint, success boolean, checksum bytea)",
    )
    .await;
    sqlx::query("insert into _sqlx_migrations values (1, true, $1)")
        .bind(migrator.iter().next().unwrap().checksum.to_vec())
        .execute(&mut connection)
        .await
        .unwrap();
    check_schema(&mut connection, &migrator).await.unwrap();
    run(
        &mut connection,
        "insert into _sqlx_migrations values (2, true, 'x')",
    )
    .await;
    let newer = check_schema(&mut connection, &migrator).await.unwrap_err();
    assert!(matches!(newer, SchemaMismatch::Newer(2)), "{newer}");
}

#[tokio::test]
async fn a_database_that_cannot_be_opened_says_why() {
    let migrator = Migrator::with_migrations(vec![migration(1, "select 1")]);
    let error = open("postgres://127.0.0.1:1/none", "test", &migrator)
        .await
        .unwrap_err();
    assert!(matches!(error, DatabaseError::Unreachable(_)), "{error}");
    let error = open("mysql://secret@host", "test", &migrator)
        .await
        .unwrap_err();
    assert!(matches!(error, DatabaseError::Url(_)), "{error}");
    assert!(!error.to_string().contains("secret"), "{error}");
}

#[tokio::test]
async fn sessions_have_timeouts_and_never_set_durability() {
    let options = super::connect_options(&server_url(), "test").unwrap();
    let text = options.get_options().unwrap();
    assert!(text.contains("statement_timeout=5000"), "{text}");
    assert!(!text.contains("synchronous_commit"), "{text}");
    let pool = super::pool(options, 1).await;
    let (name, timeout): (String, String) = sqlx::query_as(
        "select current_setting('application_name'), current_setting('statement_timeout')",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!((name.as_str(), timeout.as_str()), ("holdfast/test", "5s"));
    pool.close().await;
}
