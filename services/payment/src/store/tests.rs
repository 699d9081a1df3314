//! Looks at the plans that a writer's session makes, on empty tables and on full ones, and at how
//! much of a happy payment's update stays on its page.

use holdfast_postgres::testing::TestDatabase;
use saga_batch::session_settings;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection};

use crate::MIGRATOR;

const STATEMENTS: [(&str, &str); 8] = [
    ("read", include_str!("read.sql")),
    ("lock", include_str!("lock.sql")),
    ("operations", include_str!("operations.sql")),
    ("intents", include_str!("intents.sql")),
    ("outcomes", include_str!("outcomes.sql")),
    ("tombstones", include_str!("tombstones.sql")),
    ("save_payments", include_str!("save_payments.sql")),
    ("save_operations", include_str!("save_operations.sql")),
];

const FILL: &str = "
    insert into payments (
        shard, payment_id, provider, create_time, requested_minor_units, auto_capture,
        currency_code, customer_id, payment_method, intent_key, state, intent_state, update_time
    )
    select n % 1024, gen_random_uuid(), 1, now(), 1999, true, 'EUR', 'customer-' || n, 'tok_ok',
        gen_random_uuid() || '/authorize', 6, 2, now()
    from generate_series(1, 50000) n;
    insert into operations (
        shard, payment_id, method, request_id, state, amount_minor_units, provider_key,
        create_time, update_time
    )
    select p.shard, p.payment_id, 4, 'r', 3, 1, p.intent_key, now(), now() from payments p;";

const ANSWER_ALL: &str = "
    select array_agg(p.shard), array_agg(p.payment_id), array_agg(2::smallint),
        array_agg(1999::bigint), array_agg(gen_random_uuid()::text), array_agg(null::text)
    from (select shard, payment_id from payments where intent_state = 2 limit 512) p";

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
    for other in ["Seq Scan", "Hash Join", "Merge Join", "Bitmap"] {
        assert!(!plan.contains(other), "{name} uses a {other}:\n{plan}");
    }
}

/// The outcomes are sorted and then stored one by one, so that payments are locked in the order of their
/// keys.
fn assert_sorted(plan: &str) {
    let sort = plan.find("Sort Key: ");
    let visit = plan.find("Index Scan using payments_");
    assert!(plan.contains("Nested Loop"), "{plan}");
    assert!(sort.is_some() && sort < visit, "{plan}");
}

async fn database() -> TestDatabase {
    TestDatabase::create("payment", &MIGRATOR).await
}

#[tokio::test]
async fn statements_planned_on_empty_tables_and_on_full_ones_use_the_indexes() {
    let database = database().await;
    let mut writer = session_settings(database.options(), "plans")
        .connect()
        .await
        .unwrap();
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
    assert_sorted(&plan(&mut writer, "outcomes").await);
    writer.close().await.unwrap();
}

#[tokio::test]
async fn the_answer_to_a_happy_payment_stays_on_its_page() {
    let database = database().await;
    let mut writer = session_settings(database.options(), "hot")
        .connect()
        .await
        .unwrap();
    run(&mut writer, FILL.to_owned()).await;
    type Arrays = (
        Vec<i16>,
        Vec<uuid::Uuid>,
        Vec<i16>,
        Vec<i64>,
        Vec<String>,
        Vec<Option<String>>,
    );
    for _ in 0..40 {
        let (shards, ids, states, amounts, references, none): Arrays = sqlx::query_as(ANSWER_ALL)
            .fetch_one(&mut writer)
            .await
            .unwrap();
        let answered = sqlx::query(include_str!("outcomes.sql"))
            .bind(&shards)
            .bind(&ids)
            .bind(&states)
            .bind(&amounts)
            .bind(&amounts)
            .bind(&references)
            .bind(&none)
            .bind(&none)
            .execute(&mut writer)
            .await
            .unwrap();
        assert_eq!(answered.rows_affected(), 512);
    }
    run(&mut writer, "select pg_stat_force_next_flush()".to_owned()).await;
    let counted = "select n_tup_upd, n_tup_hot_upd from pg_stat_user_tables \
                   where relname = 'payments'";
    let (updates, hot): (i64, i64) = sqlx::query_as(counted)
        .fetch_one(&mut writer)
        .await
        .unwrap();
    assert_eq!((updates, hot), (40 * 512, 40 * 512));
    writer.close().await.unwrap();
}
