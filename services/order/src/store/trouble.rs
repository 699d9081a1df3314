//! Troubles on the order row: the latest of each saga, only where its epoch is still the row's.

use holdfast_kit::id::OrderId;
use saga_runtime::{Halt, Trouble};
use serde_json::json;
use sqlx::PgPool;
use uuid::Uuid;

/// Writes troubles down.
pub(super) async fn write(pool: &PgPool, troubles: &[Trouble]) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = troubles.iter().map(|trouble| trouble.id.0).collect();
    let shards: Vec<i16> = ids
        .iter()
        .map(|id| OrderId::from_uuid(*id).shard().get())
        .collect();
    let epochs: Vec<i64> = troubles.iter().map(|trouble| trouble.epoch).collect();
    let bodies: Vec<String> = troubles.iter().map(body).collect();
    let halts: Vec<Option<i16>> = troubles
        .iter()
        .map(|trouble| trouble.halt.map(halt))
        .collect();
    sqlx::query!(
        "-- order: note troubles
        update orders o
        set trouble = i.trouble::jsonb, halt = i.halt
        from unnest($1::smallint[], $2::uuid[], $3::bigint[], $4::text[], $5::smallint[])
            as i (shard, order_id, epoch, trouble, halt)
        where o.shard = i.shard
            and o.order_id = i.order_id
            and o.epoch = i.epoch
            and o.state = 1",
        &shards,
        &ids,
        &epochs,
        &bodies,
        &halts as &[Option<i16>],
    )
    .execute(pool)
    .await?;
    Ok(())
}

fn body(trouble: &Trouble) -> String {
    json!({
        "step": trouble.step,
        "undo": trouble.undo,
        "attempts": trouble.attempts,
        "error": trouble.error,
        "next_in_ms": trouble.next_in.map(|pause| u64::try_from(pause.as_millis()).ok()),
    })
    .to_string()
}

fn halt(halt: Halt) -> i16 {
    match halt {
        Halt::Parked => 2,
    }
}
