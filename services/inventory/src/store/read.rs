//! Reads for the calls that change nothing, on a small pool of their own. Each call is one
//! statement, so what it gives is one snapshot.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use sqlx::PgPool;
use sqlx::types::Json;

use crate::domain::names::{LocationId, Sku};
use crate::domain::stock::{Level, SkuCard, Stock};

/// Reads SKUs and stock.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    pool: PgPool,
}

impl Reader {
    pub(crate) fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    /// Reads one SKU.
    pub(crate) async fn sku(&self, sku: &Sku) -> Result<Option<SkuCard>, sqlx::Error> {
        let row = sqlx::query_file_as!(CardRow, "src/store/sql/read_sku.sql", sku.as_str(),)
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.map(SkuCard::from))
    }

    /// Reads up to `limit` SKUs by name, the ones after `after`.
    pub(crate) async fn skus_after(
        &self,
        after: &str,
        limit: i64,
    ) -> Result<Vec<SkuCard>, sqlx::Error> {
        let rows = sqlx::query_file_as!(CardRow, "src/store/sql/list_skus.sql", after, limit,)
            .fetch_all(&self.pool)
            .await?;
        Ok(rows.into_iter().map(SkuCard::from).collect())
    }

    /// Reads the stock of SKUs in one snapshot; one that was never put is left out.
    pub(crate) async fn stock(&self, skus: &[&str]) -> Result<HashMap<Sku, Stock>, sqlx::Error> {
        let rows = sqlx::query_file!("src/store/sql/read_stock.sql", skus as &[&str],)
            .fetch_all(&self.pool)
            .await?;
        let mut stock: HashMap<Sku, Stock> = HashMap::new();
        for row in rows {
            let sku = Sku::new(row.sku);
            let of_sku = stock.entry(sku.clone()).or_insert_with(|| Stock {
                sku,
                levels: BTreeMap::new(),
            });
            // All null for a SKU that has no stock row yet.
            let level = || {
                Some(Level {
                    on_hand: row.on_hand?,
                    reserved: row.reserved?,
                    shortfall: row.shortfall?,
                    version: row.version?,
                    count_version: row.count_version?,
                    update_time: row.update_time?,
                })
            };
            if let Some((location_id, level)) = row.location_id.map(LocationId::new).zip(level()) {
                of_sku.levels.insert(location_id, level);
            }
        }
        Ok(stock)
    }
}

/// A row of `skus`.
pub(super) struct CardRow {
    pub(super) sku: String,
    pub(super) title: String,
    pub(super) attributes: Json<BTreeMap<String, String>>,
    pub(super) create_time: DateTime<Utc>,
    pub(super) update_time: DateTime<Utc>,
}

impl From<CardRow> for SkuCard {
    fn from(row: CardRow) -> Self {
        Self {
            sku: Sku::new(row.sku),
            title: row.title,
            attributes: row.attributes.0,
            create_time: row.create_time,
            update_time: row.update_time,
        }
    }
}
