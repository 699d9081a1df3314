//! The plans of the hot statements on full tables: look-ups by key, whatever the statistics say, and
//! updates that stay on their page.

use saga_batch::session_settings;
use sqlx::{AssertSqlSafe, ConnectOptions, PgConnection};

use super::Shop;

const FILL: &str = "insert into orders (shard, order_id, customer_id, request_id, state, version,
        currency_code, total_minor_units, lines, payment_method, capture, priority, create_time,
        update_time, definition_version, deadline, runner, epoch)
    select n % 1024, gen_random_uuid(), 'c' || n % 999, 'r' || n, 2, 2, 'EUR', 5, '[]', 't', 1, 1,
        now(), now(), 1, now(), gen_random_uuid(), 1
    from generate_series(1, 50000) n";

async fn plan(connection: &mut PgConnection, statement: &str, arguments: &str) -> String {
    let prepare = format!("deallocate all; prepare hot as {statement}");
    sqlx::raw_sql(AssertSqlSafe(prepare))
        .execute(&mut *connection)
        .await
        .unwrap();
    let explain = AssertSqlSafe(format!("explain execute hot({arguments})"));
    let explain = sqlx::query_as(explain).persistent(false);
    let lines: Vec<(String,)> = explain.fetch_all(&mut *connection).await.unwrap();
    sqlx::raw_sql("deallocate hot")
        .execute(connection)
        .await
        .unwrap();
    lines
        .into_iter()
        .map(|(line,)| line)
        .collect::<Vec<_>>()
        .join("\n")
}

/// Whether a plan sorts its items and then visits the rows one by one, so that they are locked in the
/// order of their keys.
fn sorts_before(plan: &str, visit: &str) -> bool {
    let sort = plan.find("Sort Key: ");
    let visit = plan.find(visit);
    plan.contains("Nested Loop") && sort.is_some() && sort < visit
}

#[tokio::test]
async fn hot_statements_look_rows_up_by_key_on_full_tables() {
    let shop = Shop::open().await;
    let options = session_settings(shop.database.options(), "plans");
    let mut connection = options.connect().await.unwrap();
    let statements = [
        (
            include_str!("../finish.sql"),
            "'{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}'",
        ),
        (include_str!("../turn.sql"), "'{}', '{}', '{}', '{}', '{}'"),
    ];
    let mut empty = Vec::new();
    for (statement, arguments) in statements {
        empty.push(plan(&mut connection, statement, arguments).await);
    }
    sqlx::query(FILL).execute(&shop.pool).await.unwrap();
    sqlx::query("analyze orders")
        .execute(&shop.pool)
        .await
        .unwrap();
    for ((statement, arguments), empty) in statements.into_iter().zip(empty) {
        let full = plan(&mut connection, statement, arguments).await;
        for plan in [&empty, &full] {
            assert!(plan.contains("Index Scan using orders_"), "{plan}");
            assert!(!plan.contains("Seq Scan on orders"), "{plan}");
            assert!(sorts_before(plan, "Index Scan using orders_"), "{plan}");
        }
    }
}

#[tokio::test]
async fn a_finish_stays_on_its_page() {
    let shop = Shop::open().await;
    let mut entries = Vec::new();
    for number in 0..100 {
        let id = shop.new_order(&format!("r{number}")).await;
        entries.push(super::entry(id, 1, false, None));
    }
    saga_runtime::Log::finish(&*shop.log, &entries).await;
    let (mut hot, mut updated) = (0_i64, 0_i64);
    let give_up = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
    while updated < 100 && tokio::time::Instant::now() < give_up {
        // A session's statistics arrive a little after its transaction.
        (hot, updated) = sqlx::query_as(
            "select n_tup_hot_upd, n_tup_upd from pg_stat_user_tables where relname = 'orders'",
        )
        .fetch_one(&shop.pool)
        .await
        .unwrap();
    }
    assert_eq!((hot, updated), (100, 100));
}
