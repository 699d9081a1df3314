//! When a process refuses to start.
//!
//! The rule: it ends by itself with an error, says in a sentence what is wrong, and what was wrong
//! is all that keeps it from starting.

use std::time::Duration;

use anyhow::ensure;
use holdfast_postgres::Database;
use holdfast_tests::cluster::{Cluster, Layout, Member};
use sqlx::{AssertSqlSafe, PgConnection};

const ENDS_WITHIN: Duration = Duration::from_secs(20);

/// Tries to start a member, and checks that it ends with an error that says so.
async fn refuses(
    cluster: &Cluster,
    member: Member,
    flags: &[&str],
    says: &[&str],
) -> anyhow::Result<()> {
    let flags: Vec<_> = flags.iter().map(|flag| (*flag).to_owned()).collect();
    let before = cluster.log(member).unwrap_or_default().len();
    let process = cluster.try_out(member, &flags)?;
    let status = process.ended(ENDS_WITHIN).await?;
    let said = process.log()?.split_off(before);
    ensure!(
        status.code().is_some_and(|code| code != 0),
        "{member} {flags:?} ended with {status}"
    );
    for words in says {
        ensure!(
            said.contains(words),
            "{member} {flags:?} does not say {words:?}:\n{said}"
        );
    }
    Ok(())
}

async fn run(connection: &mut PgConnection, statement: &str) -> anyhow::Result<()> {
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
        .execute(connection)
        .await?;
    Ok(())
}

#[tokio::test]
async fn services_refuse_settings_under_which_a_crash_could_lose_orders() -> anyhow::Result<()> {
    let mut cluster = Cluster::without_services(Layout::split(1)).await?;
    cluster.migrate().await?;
    let mut superuser = cluster.postgres().connect_superuser().await?;
    for setting in ["fsync", "full_page_writes"] {
        run(&mut superuser, &format!("alter system set {setting} = off")).await?;
        run(&mut superuser, "select pg_reload_conf()").await?;
        for member in [Member::Inventory, Member::Payment, Member::Order(0)] {
            refuses(&cluster, member, &[], &[setting]).await?;
        }
        run(&mut superuser, &format!("alter system reset {setting}")).await?;
        run(&mut superuser, "select pg_reload_conf()").await?;
    }
    // One role's own override counts, and keeps the others from nothing.
    for (member, role) in [
        (Member::Order(0), "holdfast_order"),
        (Member::Inventory, "holdfast_inventory"),
        (Member::Payment, "holdfast_payment"),
        (Member::Payment, "holdfast_provider"),
    ] {
        run(
            &mut superuser,
            &format!("alter role {role} set synchronous_commit = off"),
        )
        .await?;
        refuses(&cluster, member, &[], &["synchronous_commit"]).await?;
        run(
            &mut superuser,
            &format!("alter role {role} reset synchronous_commit"),
        )
        .await?;
    }
    // Nothing else was in the way.
    for member in [Member::Inventory, Member::Payment, Member::Order(0)] {
        cluster.restart(member).await?;
    }
    cluster.finish().await
}

#[tokio::test]
async fn services_refuse_to_listen_where_others_could_reach_them() -> anyhow::Result<()> {
    let cluster = Cluster::without_services(Layout::split(1)).await?;
    cluster.migrate().await?;
    let members = [
        (Member::Order(0), "order"),
        (Member::Inventory, "inventory"),
        (Member::Payment, "payment"),
    ];
    for (member, role) in members {
        for port in ["listen", "side-listen"] {
            let flag = format!("--{role}-{port}=0.0.0.0:0");
            refuses(&cluster, member, &[&flag], &["0.0.0.0:0", "loopback"]).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn services_refuse_a_schema_that_is_not_theirs() -> anyhow::Result<()> {
    let mut cluster = Cluster::without_services(Layout::split(1)).await?;
    let roles = [
        (Member::Order(0), Database::Order),
        (Member::Inventory, Database::Inventory),
        (Member::Payment, Database::Payment),
        (Member::Payment, Database::Provider),
    ];
    for (member, database) in &roles[..3] {
        let migrate = ["no schema", "holdfast migrate"];
        refuses(&cluster, *member, &[], &migrate).await?;
        let mut connection = cluster.database(*database).await?;
        assert!(
            run(&mut connection, "select from _sqlx_migrations")
                .await
                .is_err()
        );
    }
    cluster.migrate().await?;
    for (member, database) in roles {
        let mut connection = cluster.database(database).await?;
        let newer = "insert into _sqlx_migrations
            (version, description, success, checksum, execution_time)
            values (99990101000000, 'of a later release', true, '', 0)";
        run(&mut connection, newer).await?;
        refuses(&cluster, member, &[], &["99990101000000", "newer"]).await?;
        run(
            &mut connection,
            "delete from _sqlx_migrations where version = 99990101000000",
        )
        .await?;

        run(
            &mut connection,
            "update _sqlx_migrations set checksum = '\\x00'",
        )
        .await?;
        refuses(&cluster, member, &[], &["text has changed"]).await?;
        ensure!(
            cluster.migrate().await.is_err(),
            "a changed migration is not migrated over"
        );
        run(&mut connection, "delete from _sqlx_migrations").await?;
        refuses(&cluster, member, &[], &["no schema"]).await?;
        // Made anew, for the next one.
        run(
            &mut connection,
            "drop schema public cascade; create schema public",
        )
        .await?;
        cluster.migrate().await?;
    }
    for member in [Member::Inventory, Member::Payment, Member::Order(0)] {
        cluster.restart(member).await?;
    }
    Ok(())
}
