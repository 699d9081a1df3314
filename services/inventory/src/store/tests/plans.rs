//! Looks at the plans that a writer's session makes on full tables: every table is reached by an
//! index, whatever the planner thought of it when it was empty.

use saga_batch::session_settings;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection};

use super::replica::database;

const STATEMENTS: [(&str, &str); 13] = [
    ("lock_rows", include_str!("../sql/lock_rows.sql")),
    ("lock_free_rows", include_str!("../sql/lock_free_rows.sql")),
    (
        "find_stock_rows",
        include_str!("../sql/find_stock_rows.sql"),
    ),
    (
        "find_unknown_skus",
        include_str!("../sql/find_unknown_skus.sql"),
    ),
    (
        "find_allocations",
        include_str!("../sql/find_allocations.sql"),
    ),
    (
        "find_operations",
        include_str!("../sql/find_operations.sql"),
    ),
    ("allocate", include_str!("../sql/allocate.sql")),
    ("release", include_str!("../sql/release.sql")),
    ("lock_skus", include_str!("../sql/lock_skus.sql")),
    ("adjust_stock", include_str!("../sql/adjust_stock.sql")),
    ("read_sku", include_str!("../sql/read_sku.sql")),
    ("list_skus", include_str!("../sql/list_skus.sql")),
    ("read_stock", include_str!("../sql/read_stock.sql")),
];

const FILL: &str = "
    insert into skus
    select 'sku-' || n, '', '{}', now(), now() from generate_series(1, 100000) n;
    insert into stock
    select 'sku-' || n, 'default', 10, 0, 0, 1, 1, null, now() from generate_series(1, 100000) n;
    insert into operations
    select 'sku-' || n, 1, 'r', '{}', null, now() from generate_series(1, 100000) n;
    insert into allocations (order_id, state, lines, create_time)
    select gen_random_uuid(), 6, '[]', now() from generate_series(1, 100000) n;";

async fn run(connection: &mut PgConnection, sql: String) {
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(connection)
        .await
        .unwrap();
}

async fn plan(connection: &mut PgConnection, name: &str) -> String {
    let parameters: i64 = sqlx::query_scalar(
        "select cardinality(parameter_types)::bigint from pg_prepared_statements where name = $1",
    )
    .bind(name)
    .fetch_one(&mut *connection)
    .await
    .unwrap();
    let nulls = vec!["null"; usize::try_from(parameters).unwrap()].join(", ");
    let explain = format!("explain execute {name} ({nulls})");
    let lines: Vec<String> = sqlx::query_scalar(AssertSqlSafe(explain))
        .fetch_all(connection)
        .await
        .unwrap();
    lines.join("\n")
}

fn assert_indexed(name: &str, plan: &str) {
    for table in ["stock", "skus", "operations", "allocations"] {
        assert!(
            !plan.contains(&format!("Seq Scan on {table}")),
            "{name}:\n{plan}"
        );
    }
    assert!(
        ["Hash Join", "Merge Join", "Bitmap"]
            .iter()
            .all(|node| !plan.contains(node)),
        "{name}:\n{plan}"
    );
    assert!(plan.contains("Index"), "{name}:\n{plan}");
}

#[tokio::test]
async fn statements_planned_on_empty_tables_and_on_full_ones_use_the_indexes() {
    let database = database().await;
    let options = session_settings(database.options(), "plans");
    let mut writer = options.connect().await.unwrap();
    for (name, sql) in STATEMENTS {
        run(&mut writer, format!("prepare {name} as {sql}")).await;
        assert_indexed(name, &plan(&mut writer, name).await);
    }
    let mut other = database.options().connect().await.unwrap();
    run(&mut other, FILL.to_owned()).await;
    run(&mut other, "analyze".to_owned()).await;
    other.close().await.unwrap();
    for (name, _) in STATEMENTS {
        assert_indexed(name, &plan(&mut writer, name).await);
    }
    writer.close().await.unwrap();
}
