//! Signs of life and takeover in the engine's own table.

use sqlx::PgPool;
use uuid::Uuid;

use crate::{Beat, RunnerId, SagaId};

pub(super) async fn claim(
    pool: &PgPool,
    definition: &str,
    version: i16,
    runner: RunnerId,
    limit: usize,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar(
        "-- saga: claim
        with free as (
            select s.definition, s.saga_id
            from sagas s
            where s.definition = $1
                and s.runner is null
                and s.state = 1
                and s.halt is null
                and s.definition_version <= $2
            order by s.saga_id
            limit $4
            for update skip locked
        )
        update sagas s
        set runner = $3, epoch = s.epoch + 1
        from free f
        where s.definition = f.definition
            and s.saga_id = f.saga_id
        returning s.saga_id",
    )
    .bind(definition)
    .bind(version)
    .bind(runner.0)
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .fetch_all(pool)
    .await
}

pub(super) async fn carried(
    pool: &PgPool,
    definition: &str,
    runner: RunnerId,
    limit: usize,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar(
        "-- saga: read a runner's own
        select s.saga_id
        from sagas s
        where s.definition = $1
            and s.runner = $2
            and s.state = 1
            and s.halt is null
        order by s.saga_id
        limit $3",
    )
    .bind(definition)
    .bind(runner.0)
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .fetch_all(pool)
    .await
}

pub(super) async fn unknown(
    pool: &PgPool,
    definition: &str,
    version: i16,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(
        "-- saga: count unknown
        select count(*)
        from sagas s
        where s.definition = $1
            and s.runner is null
            and s.state = 1
            and s.definition_version > $2",
    )
    .bind(definition)
    .bind(version)
    .fetch_one(pool)
    .await
}

pub(super) async fn release(
    pool: &PgPool,
    definition: &str,
    runner: RunnerId,
    ids: &[SagaId],
) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    sqlx::query(
        "-- saga: release
        with mine as (
            select s.saga_id
            from sagas s
            where s.definition = $1
                and s.runner = $2
                and s.saga_id = any($3)
                and s.state = 1
            order by s.saga_id
            for update
        )
        update sagas s
        set runner = null, epoch = s.epoch + 1
        from mine m
        where s.definition = $1
            and s.saga_id = m.saga_id",
    )
    .bind(definition)
    .bind(runner.0)
    .bind(&ids)
    .execute(pool)
    .await?;
    Ok(())
}

pub(super) async fn beat(
    pool: &PgPool,
    definition: &str,
    runner: RunnerId,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "-- saga: beat
        insert into saga_log_runners as r (definition, runner, beat)
        values ($1, $2, 1)
        on conflict (definition, runner) do update
        set beat = r.beat + 1",
    )
    .bind(definition)
    .bind(runner.0)
    .execute(pool)
    .await?;
    Ok(())
}

pub(super) async fn beats(pool: &PgPool, definition: &str) -> Result<Vec<Beat>, sqlx::Error> {
    let beats: Vec<(Uuid, i64)> = sqlx::query_as(
        "-- saga: read beats
        select r.runner, r.beat
        from saga_log_runners r
        where r.definition = $1",
    )
    .bind(definition)
    .fetch_all(pool)
    .await?;
    Ok(beats
        .into_iter()
        .map(|(runner, count)| Beat {
            runner: RunnerId(runner),
            count,
        })
        .collect())
}

/// The delete waits for a start of the dead that is being committed; the search begins after it and
/// so sees that start, and a later one finds no runner to belong to.
pub(super) async fn bury(
    pool: &PgPool,
    definition: &str,
    dead: &[RunnerId],
) -> Result<u64, sqlx::Error> {
    let dead: Vec<Uuid> = dead.iter().map(|runner| runner.0).collect();
    let mut transaction = pool.begin().await?;
    sqlx::query(
        "-- saga: bury runners
        delete from saga_log_runners r
        where r.definition = $1
            and r.runner = any($2)",
    )
    .bind(definition)
    .bind(&dead)
    .execute(&mut *transaction)
    .await?;
    let given_up = sqlx::query(
        "-- saga: give up the sagas of the dead
        update sagas s
        set runner = null, epoch = s.epoch + 1
        where s.definition = $1
            and s.runner = any($2)
            and s.state = 1",
    )
    .bind(definition)
    .bind(&dead)
    .execute(&mut *transaction)
    .await?
    .rows_affected();
    transaction.commit().await?;
    Ok(given_up)
}
