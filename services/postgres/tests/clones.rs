//! Databases for tests, which are themselves tested on the server that the tests run on.

use holdfast_postgres::testing::TestDatabase;
use sqlx::{migrate::Migrator, postgres::PgConnectOptions};

/// Some database of ours; which one does not matter here.
static MIGRATOR: Migrator = sqlx::migrate!("../../migrations/provider");

#[tokio::test]
async fn clones_are_migrated_and_separate() {
    let (one, other) = tokio::join!(
        TestDatabase::create("clones", &MIGRATOR),
        TestDatabase::create("clones", &MIGRATOR)
    );
    let (one_pool, other_pool) = (one.pool().await, other.pool().await);
    let insert = "insert into scripts (provider_key, attempts, first_time) values ('a', 1, now())";
    sqlx::query(insert).execute(&one_pool).await.unwrap();
    let count = "select count(*) from scripts";
    let counts: (i64, i64) = (
        sqlx::query_scalar(count)
            .fetch_one(&one_pool)
            .await
            .unwrap(),
        sqlx::query_scalar(count)
            .fetch_one(&other_pool)
            .await
            .unwrap(),
    );
    assert_eq!(counts, (1, 0));
}

#[tokio::test]
async fn dropped_clone_is_gone_though_somebody_is_still_connected() {
    let keep = TestDatabase::create("clones", &MIGRATOR).await;
    let dropped = TestDatabase::create("clones", &MIGRATOR).await;
    let name = dropped.options().get_database().unwrap().to_owned();
    let _connected = dropped.pool().await;
    drop(dropped);
    let pool = keep.pool().await;
    let exists: bool =
        sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
            .bind(name)
            .fetch_one(&pool)
            .await
            .unwrap();
    assert!(!exists);
}

#[tokio::test]
async fn url_and_options_name_the_same_database() {
    let clone = TestDatabase::create("clones", &MIGRATOR).await;
    let parsed: PgConnectOptions = clone.url().parse().unwrap();
    assert_eq!(parsed.get_database(), clone.options().get_database());
    assert_eq!(parsed.get_port(), clone.options().get_port());
}
