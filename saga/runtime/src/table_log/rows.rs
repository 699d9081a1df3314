//! The statements on saga rows, and what a row says.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;
use sqlx::PgPool;
use uuid::Uuid;

use crate::{Claimed, Halt, Noted, Row, RunnerId, Saga, SagaId, Trouble};

pub(super) const TURN: &str = "-- saga: turn
    with mine as (
        select s.saga_id, i.refusal
        from unnest(
            $2::uuid[], $3::bigint[], $4::boolean[], $5::smallint[], $6::jsonb[], $7::jsonb[]
        ) as i (saga_id, epoch, turned, state, refusal, body)
        join sagas s
            on s.definition = $1
            and s.saga_id = i.saga_id
            and s.state = 1
            and s.epoch = i.epoch
            and s.turn_time is null
        order by s.saga_id
        for update of s
    )
    update sagas s
    set turn_time = now(), update_time = now(), refusal = m.refusal
    from mine m
    where s.definition = $1
        and s.saga_id = m.saga_id
    returning s.saga_id";

pub(super) const FINISH: &str = "-- saga: finish
    with mine as (
        select s.saga_id, i.state, i.refusal, i.body
        from unnest(
            $2::uuid[], $3::bigint[], $4::boolean[], $5::smallint[], $6::jsonb[], $7::jsonb[]
        ) as i (saga_id, epoch, turned, state, refusal, body)
        join sagas s
            on s.definition = $1
            and s.saga_id = i.saga_id
            and s.state = 1
            and s.epoch = i.epoch
            and (s.turn_time is not null) = i.turned
        order by s.saga_id
        for update of s
    )
    update sagas s
    set
        state = m.state,
        update_time = now(),
        body = m.body,
        refusal = coalesce(s.refusal, m.refusal)
    from mine m
    where s.definition = $1
        and s.saga_id = m.saga_id
    returning s.saga_id";

/// A saga's row as it is stored.
#[derive(sqlx::FromRow)]
pub(super) struct Stored {
    saga_id: Uuid,
    state: i16,
    body: Value,
    refusal: Option<Value>,
    turned: bool,
    runner: Option<Uuid>,
    epoch: i64,
    trouble: Option<Value>,
    remaining_ms: i64,
}

pub(super) async fn load(
    pool: &PgPool,
    definition: &str,
    ids: &[Uuid],
) -> Result<Vec<Stored>, sqlx::Error> {
    sqlx::query_as(
        "-- saga: read
        select
            s.saga_id, s.state, s.body, s.refusal, s.turn_time is not null as turned, s.runner,
            s.epoch, s.trouble,
            greatest(0, extract(epoch from s.deadline - clock_timestamp()) * 1000)::bigint
                as remaining_ms
        from sagas s
        where s.definition = $1
            and s.saga_id = any($2)",
    )
    .bind(definition)
    .bind(ids)
    .fetch_all(pool)
    .await
}

impl Stored {
    fn refusal<R: DeserializeOwned>(&self) -> Option<R> {
        let refusal = self.refusal.as_ref().filter(|_| self.turned)?;
        serde_json::from_value(refusal.clone()).ok()
    }

    pub(super) fn row<R: DeserializeOwned>(self) -> Row<R> {
        Row {
            id: SagaId(self.saga_id),
            ended: self.state != 1,
            runner: self.runner.map(RunnerId),
            epoch: self.epoch,
            turned: self.refusal(),
        }
    }

    pub(super) fn claimed<S>(self) -> Claimed<S>
    where
        S: Saga + DeserializeOwned,
        S::Refusal: DeserializeOwned,
    {
        let refusal = self.refusal();
        let undecodable = self.turned && refusal.is_none();
        let noted = self.trouble.and_then(Noted::from_json);
        let saga = match serde_json::from_value::<S>(self.body) {
            Ok(_) if undecodable => Err("the reason of its turn cannot be decoded".to_owned()),
            Ok(saga) => Ok(Box::new(saga)),
            Err(error) => Err(error.to_string()),
        };
        Claimed {
            id: SagaId(self.saga_id),
            saga,
            epoch: self.epoch,
            refusal,
            remaining: Duration::from_millis(self.remaining_ms.try_into().unwrap_or(0)),
            noted,
        }
    }
}

pub(super) async fn note(
    pool: &PgPool,
    definition: &str,
    troubles: &[Trouble],
) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = troubles.iter().map(|trouble| trouble.id.0).collect();
    let epochs: Vec<i64> = troubles.iter().map(|trouble| trouble.epoch).collect();
    let bodies: Vec<Value> = troubles.iter().map(Trouble::to_json).collect();
    let next_in: Vec<Option<i64>> = troubles.iter().map(Trouble::next_in_ms).collect();
    let halts: Vec<Option<i16>> = troubles
        .iter()
        .map(|trouble| trouble.halt.map(|Halt::Parked| 2))
        .collect();
    sqlx::query(
        "-- saga: note troubles
        with mine as (
            select
                s.saga_id, i.halt,
                i.trouble || jsonb_build_object(
                    'next_time', now() + i.next_in_ms * interval '1 millisecond'
                ) as trouble
            from unnest($2::uuid[], $3::bigint[], $4::jsonb[], $5::bigint[], $6::smallint[])
                as i (saga_id, epoch, trouble, next_in_ms, halt)
            join sagas s
                on s.definition = $1
                and s.saga_id = i.saga_id
                and s.epoch = i.epoch
                and s.state = 1
            order by s.saga_id
            for update of s
        )
        update sagas s
        set trouble = m.trouble, halt = m.halt
        from mine m
        where s.definition = $1
            and s.saga_id = m.saga_id",
    )
    .bind(definition)
    .bind(&ids)
    .bind(&epochs)
    .bind(&bodies)
    .bind(&next_in)
    .bind(&halts)
    .execute(pool)
    .await?;
    Ok(())
}
