//! Troubles on the order row: the latest of each saga, only where its epoch is still the row's.

use holdfast_kit::id::OrderId;
use saga_runtime::{Halt, Trouble};
use serde_json::Value;
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
    let bodies: Vec<Value> = troubles.iter().map(Trouble::to_json).collect();
    let next_in: Vec<Option<i64>> = troubles.iter().map(Trouble::next_in_ms).collect();
    let halts: Vec<Option<i16>> = troubles
        .iter()
        .map(|trouble| trouble.halt.map(halt))
        .collect();
    sqlx::query!(
        "-- order: note troubles
        with mine as (
            select
                o.shard, o.order_id, i.halt,
                i.trouble || jsonb_build_object(
                    'next_time', now() + i.next_in_ms * interval '1 millisecond'
                ) as trouble
            from unnest(
                $1::smallint[], $2::uuid[], $3::bigint[], $4::jsonb[], $5::bigint[], $6::smallint[]
            ) as i (shard, order_id, epoch, trouble, next_in_ms, halt)
            join orders o
                on o.shard = i.shard
                and o.order_id = i.order_id
                and o.epoch = i.epoch
                and (o.state = 1 or o.state = 5 and o.turn_time is not null)
            order by o.shard, o.order_id
            for update of o
        )
        update orders o
        set trouble = m.trouble, halt = m.halt
        from mine m
        where o.shard = m.shard
            and o.order_id = m.order_id",
        &shards,
        &ids,
        &epochs,
        &bodies,
        &next_in as &[Option<i64>],
        &halts as &[Option<i16>],
    )
    .execute(pool)
    .await?;
    Ok(())
}

fn halt(halt: Halt) -> i16 {
    match halt {
        Halt::Parked => 2,
    }
}
