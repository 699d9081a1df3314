//! SKUs and stock as the wire has them.

use holdfast_kit::time;
use holdfast_proto::inventory as wire;

use crate::domain::names::{LocationId, Sku};
use crate::domain::stock::{Level, SkuCard, Stock};

/// Writes a SKU.
pub(crate) fn sku(card: SkuCard) -> wire::Sku {
    wire::Sku {
        sku: card.sku.to_string(),
        title: card.title,
        attributes: card.attributes.into_iter().collect(),
        create_time: Some(time::to_wire(card.create_time)),
        update_time: Some(time::to_wire(card.update_time)),
    }
}

/// Writes the stock at one location.
pub(crate) fn level(sku: &Sku, location_id: &LocationId, level: &Level) -> wire::StockLevel {
    wire::StockLevel {
        sku: sku.to_string(),
        location_id: location_id.to_string(),
        on_hand: level.on_hand,
        reserved: level.reserved,
        available: level.available(),
        shortfall: level.shortfall,
        version: level.version,
        count_version: level.count_version,
        update_time: Some(time::to_wire(level.update_time)),
    }
}

/// Writes the stock of one SKU.
pub(crate) fn stock(stock: &Stock) -> wire::Stock {
    let levels = stock.levels.iter();
    wire::Stock {
        sku: stock.sku.to_string(),
        on_hand: stock.total(|level| level.on_hand),
        reserved: stock.total(|level| level.reserved),
        available: stock.total(Level::available),
        version: stock.total(|level| level.version),
        levels: levels.map(|(at, of)| level(&stock.sku, at, of)).collect(),
    }
}
