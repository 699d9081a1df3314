//! Takeover: signs of life, and the sagas that nobody has. Whoever is buried gives up its sagas in
//! the same transaction, and every change of hands raises the epoch.

use holdfast_kit::id::OrderId;
use saga_runtime::{Beat, Claimed, RunnerId, SagaId};
use sqlx::{Connection, PgPool};
use uuid::Uuid;

use super::load::{self, Stored};
use crate::saga::place::{Placing, VERSION};

/// Takes over up to `limit` unfinished sagas without a runner, oldest first.
pub(super) async fn claim(
    pool: &PgPool,
    runner: RunnerId,
    limit: usize,
) -> Result<Vec<Claimed<Placing>>, sqlx::Error> {
    let mut connection = pool.acquire().await?;
    let ids = sqlx::query_scalar!(
        "-- order: claim sagas
        with free as (
            select o.shard, o.order_id
            from orders o
            where o.runner is null
                and o.state = 1
                and o.halt is null
                and o.definition_version <= $3
            order by o.order_id
            limit $2
            for update skip locked
        )
        update orders o
        set runner = $1, epoch = o.epoch + 1
        from free f
        where o.shard = f.shard
            and o.order_id = f.order_id
        returning o.order_id",
        runner.0,
        i64::try_from(limit).unwrap_or(i64::MAX),
        VERSION,
    )
    .fetch_all(&mut *connection)
    .await?;
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<OrderId> = ids.into_iter().map(OrderId::from_uuid).collect();
    let stored = load::by_id(&mut connection, &ids).await?;
    Ok(stored
        .into_iter()
        .filter(|stored| stored.runner == Some(runner))
        .map(claimed)
        .collect())
}

/// Counts the unfinished sagas that nobody has and that are of a later version than this process
/// knows.
pub(super) async fn unknown(pool: &PgPool) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"-- order: count unknown sagas
        select count(*) as "count!"
        from orders o
        where o.runner is null
            and o.state = 1
            and o.definition_version > $1"#,
        VERSION,
    )
    .fetch_one(pool)
    .await
}

/// The saga of a row that is this runner's.
pub(super) fn claimed(stored: Stored) -> Claimed<Placing> {
    let refusal = stored
        .order
        .as_ref()
        .ok()
        .filter(|_| stored.turned)
        .and_then(|order| order.rejection.clone());
    Claimed {
        id: SagaId(stored.id.as_uuid()),
        epoch: stored.epoch,
        remaining: stored.remaining,
        noted: stored.noted,
        refusal,
        saga: stored.order.map(|order| {
            Box::new(Placing {
                order_id: order.id,
                placement: order.placement,
                create_time: order.create_time,
                allocations: None,
                captured_minor_units: 0,
                trace: None,
            })
        }),
    }
}

/// Gives up sagas of a runner that stops.
pub(super) async fn release(
    pool: &PgPool,
    runner: RunnerId,
    ids: &[SagaId],
) -> Result<(), sqlx::Error> {
    let shards: Vec<i16> = ids
        .iter()
        .map(|id| OrderId::from_uuid(id.0).shard().get())
        .collect();
    let uuids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    sqlx::query!(
        "-- order: release sagas
        with mine as (
            select o.shard, o.order_id
            from unnest($2::smallint[], $3::uuid[]) as i (shard, order_id)
            join orders o
                on o.shard = i.shard
                and o.order_id = i.order_id
                and o.runner = $1
                and o.state = 1
            order by o.shard, o.order_id
            for update of o
        )
        update orders o
        set runner = null, epoch = o.epoch + 1
        from mine m
        where o.shard = m.shard
            and o.order_id = m.order_id",
        runner.0,
        &shards,
        &uuids,
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Shows a sign of life; a runner that was buried meanwhile is alive again, without its sagas.
pub(super) async fn beat(
    pool: &PgPool,
    runner: RunnerId,
    low_water: SagaId,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "-- order: beat
        insert into saga_runners as r (runner, beat, low_water)
        values ($1, 1, $2)
        on conflict (runner) do update
        set beat = r.beat + 1, low_water = excluded.low_water",
        runner.0,
        low_water.0,
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Reads every runner's sign of life.
pub(super) async fn beats(pool: &PgPool) -> Result<Vec<Beat>, sqlx::Error> {
    let rows = sqlx::query!(
        "-- order: read beats
        select r.runner, r.beat
        from saga_runners r"
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Beat {
            runner: RunnerId(row.runner),
            count: row.beat,
        })
        .collect())
}

/// Takes away the signs of life of the dead and gives up their sagas.
///
/// The delete waits for a start of theirs that is being committed; the search begins after it and
/// so sees that start, and a later one finds no runner to belong to.
pub(super) async fn bury(pool: &PgPool, dead: &[RunnerId]) -> Result<u64, sqlx::Error> {
    let dead: Vec<Uuid> = dead.iter().map(|runner| runner.0).collect();
    let mut connection = pool.acquire().await?;
    let mut transaction = connection.begin().await?;
    let low_water = sqlx::query_scalar!(
        "-- order: bury runners
        delete from saga_runners r
        where r.runner = any($1)
        returning r.low_water",
        &dead,
    )
    .fetch_all(&mut *transaction)
    .await?;
    let Some(low_water) = low_water.into_iter().map(Option::unwrap_or_default).min() else {
        // Another runner was faster.
        transaction.commit().await?;
        return Ok(0);
    };
    let given_up = sqlx::query!(
        "-- order: give up the sagas of the dead
        update orders o
        set runner = null, epoch = o.epoch + 1
        where o.order_id >= $2
            and o.runner = any($1)
            and o.state = 1",
        &dead,
        low_water,
    )
    .execute(&mut *transaction)
    .await?
    .rows_affected();
    transaction.commit().await?;
    Ok(given_up)
}
