//! The keys of the calls that change an order: what each first came with, and what it did.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use holdfast_kit::id::OrderId;
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use crate::domain::{CancelItem, CancelPlan};

/// `order_requests.method`.
const CANCEL: i16 = 1;

/// A cancel's fields as received, without its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Body {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    reason: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expected_version: Option<i64>,
}

impl Body {
    pub(super) fn of(item: &CancelItem) -> Self {
        Self {
            reason: item.reason.clone(),
            expected_version: item.expected_version,
        }
    }

    /// The fields in which `other` differs.
    pub(super) fn differing_fields(&self, other: &Self) -> Vec<String> {
        let fields = [
            ("reason", self.reason != other.reason),
            (
                "expected_version",
                self.expected_version != other.expected_version,
            ),
        ];
        let differing = fields.into_iter().filter(|(_, differs)| *differs);
        differing.map(|(field, _)| field.to_owned()).collect()
    }
}

/// What a key has been bound to.
#[derive(Clone, Debug)]
pub(super) struct Binding {
    pub(super) body: Body,
    /// What the call began; `None`: there was nothing left to do.
    pub(super) plan: Option<CancelPlan>,
}

pub(super) type Bindings = HashMap<(OrderId, String), Binding>;

/// Reads what the keys of the items are bound to.
pub(super) async fn find(
    connection: &mut PgConnection,
    items: &[CancelItem],
    ids: &[Option<OrderId>],
) -> Result<Bindings, sqlx::Error> {
    let keys = ids
        .iter()
        .zip(items)
        .filter_map(|(id, item)| Some(((*id)?, &item.request_id)));
    let (ids, requests): (Vec<OrderId>, Vec<&str>) = keys.map(|(id, key)| (id, &**key)).unzip();
    let shards: Vec<i16> = ids.iter().map(|id| id.shard().get()).collect();
    let uuids: Vec<Uuid> = ids.iter().map(|id| id.as_uuid()).collect();
    let rows = sqlx::query!(
        r#"-- order: find bound keys
        select distinct on (r.order_id, r.request_id)
            r.order_id, r.request_id, r.body as "body: Json<Body>",
            r.result as "result: Json<CancelPlan>"
        from unnest($2::smallint[], $3::uuid[], $4::text[]) as i (shard, order_id, request_id)
        join order_requests r
            on r.shard = i.shard
            and r.order_id = i.order_id
            and r.method = $1
            and r.request_id = i.request_id"#,
        CANCEL,
        &shards,
        &uuids,
        &requests as &[&str],
    )
    .fetch_all(connection)
    .await?;
    let binding = rows.into_iter().map(|row| {
        let binding = Binding {
            body: row.body.0,
            plan: row.result.map(|result| result.0),
        };
        ((OrderId::from_uuid(row.order_id), row.request_id), binding)
    });
    Ok(binding.collect())
}

/// Binds keys, in the order of their columns.
pub(super) async fn bind(
    connection: &mut PgConnection,
    bindings: &Bindings,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    if bindings.is_empty() {
        return Ok(());
    }
    let mut shards = Vec::with_capacity(bindings.len());
    let mut ids = Vec::with_capacity(bindings.len());
    let mut requests = Vec::with_capacity(bindings.len());
    let mut bodies = Vec::with_capacity(bindings.len());
    let mut results = Vec::with_capacity(bindings.len());
    for ((id, request_id), binding) in bindings {
        shards.push(id.shard().get());
        ids.push(id.as_uuid());
        requests.push(request_id.as_str());
        bodies.push(super::changes::json(&binding.body));
        results.push(binding.plan.as_ref().map(super::changes::json));
    }
    sqlx::query_file!(
        "src/store/cancel/bind.sql",
        CANCEL,
        now,
        &shards,
        &ids,
        &requests as &[&str],
        &bodies,
        &results as &[Option<serde_json::Value>],
    )
    .execute(connection)
    .await?;
    Ok(())
}
