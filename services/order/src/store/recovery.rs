//! Takeover: signs of life, and the sagas that nobody has. Whoever is buried gives up its sagas in
//! the same transaction, and every change of hands raises the epoch. A saga is unfinished while its
//! order is PENDING, or CANCELLING and turned.

use holdfast_kit::id::OrderId;
use saga_runtime::{Beat, Claimed, RunnerId, SagaId, Sign, TakenOver};
use sqlx::{Connection, PgConnection, PgPool};
use uuid::Uuid;

use super::load::{self, Stored};
use crate::saga::place::{Placing, VERSION};

/// Takes over up to `limit` unfinished sagas without a runner, oldest first. The runner's mark goes
/// below them in the same statement: were it left to the next sign of life, the heirs of a runner
/// that dies before that one would look past them.
pub(super) async fn claim(
    pool: &PgPool,
    runner: RunnerId,
    limit: usize,
) -> Result<TakenOver<Placing>, sqlx::Error> {
    let mut connection = pool.acquire().await?;
    let rows = sqlx::query!(
        "-- order: claim sagas
        with free as (
            select o.shard, o.order_id
            from orders o
            where o.runner is null
                and (o.state = 1 or o.state = 5 and o.turn_time is not null)
                and o.halt is null
                and o.definition_version <= $3
            order by o.order_id
            limit $2
            for update skip locked
        ),
        -- A runner that has been buried meanwhile has no mark, and takes nothing over.
        marked as (
            update saga_runners r
            set
                low_water = least(
                    r.low_water, (select f.order_id from free f order by f.order_id limit 1)
                ),
                takeovers = r.takeovers + 1
            where r.runner = $1
                and exists (select from free)
            returning r.takeovers
        )
        update orders o
        set runner = $1, epoch = o.epoch + 1
        from free f
        cross join marked m
        where o.shard = f.shard
            and o.order_id = f.order_id
        returning o.order_id, m.takeovers",
        runner.0,
        i64::try_from(limit).unwrap_or(i64::MAX),
        VERSION,
    )
    .fetch_all(&mut *connection)
    .await?;
    let takeovers = rows.first().map_or(0, |row| row.takeovers);
    let ids = rows.into_iter().map(|row| OrderId::from_uuid(row.order_id));
    taken_over(&mut connection, runner, ids.collect(), takeovers).await
}

/// Lowers a runner's mark to `lowest` for a takeover in the same transaction, and gives the number of
/// its takeovers; `None`: it has been buried, and takes nothing over.
pub(super) async fn lower_mark(
    connection: &mut PgConnection,
    runner: RunnerId,
    lowest: OrderId,
) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        "-- order: lower a runner's mark
        update saga_runners r
        set low_water = least(r.low_water, $2), takeovers = r.takeovers + 1
        where r.runner = $1
        returning r.takeovers",
        runner.0,
        lowest.as_uuid(),
    )
    .fetch_optional(connection)
    .await
}

/// Reads up to `limit` unfinished sagas of a runner, from its mark on.
pub(super) async fn carried(
    pool: &PgPool,
    runner: RunnerId,
    limit: usize,
) -> Result<TakenOver<Placing>, sqlx::Error> {
    let mut connection = pool.acquire().await?;
    let rows = sqlx::query!(
        "-- order: read a runner's own sagas
        select o.order_id, r.takeovers
        from saga_runners r
        join orders o
            on o.order_id >= r.low_water
            and o.runner = r.runner
            and (o.state = 1 or o.state = 5 and o.turn_time is not null)
            and o.halt is null
        where r.runner = $1
        order by o.order_id
        limit $2",
        runner.0,
        i64::try_from(limit).unwrap_or(i64::MAX),
    )
    .fetch_all(&mut *connection)
    .await?;
    let takeovers = rows.first().map_or(0, |row| row.takeovers);
    let ids = rows.into_iter().map(|row| OrderId::from_uuid(row.order_id));
    taken_over(&mut connection, runner, ids.collect(), takeovers).await
}

async fn taken_over(
    connection: &mut PgConnection,
    runner: RunnerId,
    ids: Vec<OrderId>,
    takeovers: i64,
) -> Result<TakenOver<Placing>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(TakenOver {
            sagas: Vec::new(),
            takeovers,
        });
    }
    let stored = load::by_id(connection, &ids).await?;
    let mine = stored
        .into_iter()
        .filter(|stored| stored.runner == Some(runner) && !stored.ended);
    Ok(TakenOver {
        sagas: mine.map(claimed).collect(),
        takeovers,
    })
}

/// Counts the unfinished sagas that nobody has and that are of a later version than this process
/// knows.
pub(super) async fn unknown(pool: &PgPool) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"-- order: count unknown sagas
        select count(*) as "count!"
        from orders o
        where o.runner is null
            and (o.state = 1 or o.state = 5 and o.turn_time is not null)
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
                and (o.state = 1 or o.state = 5 and o.turn_time is not null)
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
pub(super) async fn beat(pool: &PgPool, runner: RunnerId, sign: Sign) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "-- order: beat
        insert into saga_runners as r (runner, beat, low_water, takeovers)
        values ($1, 1, $2, $3)
        on conflict (runner) do update
        set
            beat = r.beat + 1,
            low_water = case
                when r.takeovers <= excluded.takeovers then excluded.low_water
                -- Made before a takeover that is in the log by now.
                else least(r.low_water, excluded.low_water)
            end",
        runner.0,
        sign.low_water.0,
        sign.takeovers,
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
            and (o.state = 1 or o.state = 5 and o.turn_time is not null)",
        &dead,
        low_water,
    )
    .execute(&mut *transaction)
    .await?
    .rows_affected();
    transaction.commit().await?;
    Ok(given_up)
}
