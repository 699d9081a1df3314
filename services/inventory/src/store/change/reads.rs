//! What a batch of changes has to know before it is entered.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sqlx::PgConnection;
use sqlx::types::Json;

use crate::domain::adjust::Adjustment;
use crate::domain::change::{Body, CardBody, Change, ChangeKey, Method, Operation, Refusal};
use crate::domain::names::{RequestId, Sku};
use crate::domain::stock::SkuCard;
use crate::store::read::CardRow;

/// `operations.method` of a call.
pub(super) const fn method_number(method: Method) -> i16 {
    match method {
        Method::PutSku => 1,
        Method::AdjustStock => 2,
    }
}

/// Reads the SKUs of the changes and locks them, by name.
pub(super) async fn lock_cards(
    connection: &mut PgConnection,
    changes: &[Change],
) -> Result<HashMap<Sku, SkuCard>, sqlx::Error> {
    let names: BTreeSet<&str> = changes.iter().map(|change| change.sku.as_str()).collect();
    let names: Vec<&str> = names.into_iter().collect();
    let rows = sqlx::query_file_as!(CardRow, "src/store/sql/lock_skus.sql", &names as &[&str],)
        .fetch_all(connection)
        .await?;
    let cards = rows.into_iter().map(SkuCard::from);
    Ok(cards.map(|card| (card.sku.clone(), card)).collect())
}

/// Reads what the keys of the changes came with before, without a lock.
pub(super) async fn find_operations(
    connection: &mut PgConnection,
    changes: &[Change],
) -> Result<HashMap<ChangeKey, Operation>, sqlx::Error> {
    let keys: BTreeSet<ChangeKey> = changes.iter().map(Change::key).collect();
    let skus: Vec<&str> = keys.iter().map(|key| key.sku.as_str()).collect();
    let methods: Vec<i16> = keys.iter().map(|key| method_number(key.method)).collect();
    let request_ids: Vec<&str> = keys.iter().map(|key| key.request_id.as_str()).collect();
    let rows = sqlx::query_file!(
        "src/store/sql/find_operations.sql",
        &skus as &[&str],
        &methods,
        &request_ids as &[&str],
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let (method, body) = decode_body(row.method, row.body)?;
            let refusal: Option<Refusal> = row
                .refusal
                .map(serde_json::from_value)
                .transpose()
                .map_err(undecodable)?;
            let key = ChangeKey {
                sku: Sku::new(row.sku),
                method,
                request_id: RequestId::new(row.request_id),
            };
            Ok((key, Operation { body, refusal }))
        })
        .collect()
}

fn decode_body(method: i16, body: serde_json::Value) -> Result<(Method, Body), sqlx::Error> {
    match method {
        1 => {
            let body: CardBody = serde_json::from_value(body).map_err(undecodable)?;
            Ok((Method::PutSku, Body::PutSku(body)))
        }
        2 => {
            let body: Adjustment = serde_json::from_value(body).map_err(undecodable)?;
            Ok((Method::AdjustStock, Body::AdjustStock(body)))
        }
        other => Err(sqlx::Error::Decode(format!("{other} is no method").into())),
    }
}

fn undecodable(error: serde_json::Error) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}
