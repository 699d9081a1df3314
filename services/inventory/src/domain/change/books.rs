//! The books that a batch of changes is entered in: what was read under the locks, changed item by
//! item in the order they came, so that each sees what the ones before it did.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};
use holdfast_kit::id::OrderId;

use super::{Answer, Body, CardBody, Change, ChangeKey, Operation, Refusal};
use crate::domain::adjust::{AdjustReason, Adjustment, Impossible, adjust};
use crate::domain::names::{RequestId, Sku, StockKey};
use crate::domain::stock::{Level, SkuCard};

/// What is known of everything that a batch of changes touches, and what it comes to.
#[derive(Debug)]
pub(crate) struct Books {
    /// The database's clock, read after the locks.
    pub(crate) now: DateTime<Utc>,
    /// The SKUs that exist.
    pub(crate) cards: HashMap<Sku, SkuCard>,
    /// The stock rows, locked.
    pub(crate) levels: HashMap<StockKey, Level>,
    /// What the keys first came with.
    pub(crate) operations: HashMap<ChangeKey, Operation>,
    /// Stock rows that somebody else holds.
    pub(crate) contested: HashSet<StockKey>,
    /// Out: the SKUs whose cards are new or changed.
    pub(crate) put: BTreeSet<Sku>,
    /// Out: the stock rows that are new or changed.
    pub(crate) adjusted: BTreeSet<StockKey>,
    /// Out: the keys bound here for the first time.
    pub(crate) bound: BTreeSet<ChangeKey>,
    /// Out: the ledger's new entries.
    pub(crate) movements: Vec<Movement>,
}

/// One entry of the ledger of stock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Movement {
    /// The stock row.
    pub(crate) row: StockKey,
    /// Units that came (positive) or went.
    pub(crate) delta: i64,
    /// Why.
    pub(crate) reason: AdjustReason,
    /// The order that they come back from.
    pub(crate) order_id: Option<OrderId>,
    /// The key of the call.
    pub(crate) request_id: RequestId,
}

impl Books {
    /// Books in which nothing is known yet.
    pub(crate) fn new(now: DateTime<Utc>) -> Self {
        Self {
            now,
            cards: HashMap::new(),
            levels: HashMap::new(),
            operations: HashMap::new(),
            contested: HashSet::new(),
            put: BTreeSet::new(),
            adjusted: BTreeSet::new(),
            bound: BTreeSet::new(),
            movements: Vec::new(),
        }
    }

    /// Enters the changes in their order and gives one answer for each.
    pub(crate) fn enter(&mut self, changes: &[Change]) -> Vec<Answer> {
        changes
            .iter()
            .map(|change| self.enter_one(change))
            .collect()
    }

    fn enter_one(&mut self, change: &Change) -> Answer {
        let key = change.key();
        let (answer, refusal) = match self.operations.get(&key) {
            Some(operation) => return self.repeat(change, operation),
            None => match &change.body {
                Body::PutSku(body) => (self.put_sku(&change.sku, body), None),
                Body::AdjustStock(adjustment) => match self.adjust_stock(change, adjustment) {
                    Answer::Refused(refusal) => (Answer::Refused(refusal.clone()), Some(refusal)),
                    answer @ (Answer::TooMuch | Answer::Contested) => return answer,
                    answer => (answer, None),
                },
            },
        };
        self.bound.insert(key.clone());
        self.operations.insert(
            key,
            Operation {
                body: change.body.clone(),
                refusal,
            },
        );
        answer
    }

    /// The present state of what the key did when it first came.
    fn repeat(&self, change: &Change, operation: &Operation) -> Answer {
        let fields = operation.body.differing_fields(&change.body);
        if !fields.is_empty() {
            return Answer::KeyReused(fields);
        }
        if let Some(refusal) = &operation.refusal {
            return Answer::Refused(refusal.clone());
        }
        match &change.body {
            Body::PutSku(_) => {
                let card = self
                    .cards
                    .get(&change.sku)
                    .expect("a SKU once put is never deleted");
                Answer::Card {
                    card: card.clone(),
                    replayed: true,
                }
            }
            Body::AdjustStock(adjustment) => {
                let row = stock_row(change, adjustment);
                match self.levels.get(&row) {
                    Some(level) => Answer::Level {
                        location_id: row.location_id,
                        level: level.clone(),
                        replayed: true,
                    },
                    None => {
                        assert!(
                            self.contested.contains(&row),
                            "stock rows are never deleted"
                        );
                        Answer::Contested
                    }
                }
            }
        }
    }

    fn put_sku(&mut self, sku: &Sku, body: &CardBody) -> Answer {
        let create_time = self
            .cards
            .get(sku)
            .map_or(self.now, |card| card.create_time);
        let card = SkuCard {
            sku: sku.clone(),
            title: body.title.clone(),
            attributes: body.attributes.clone(),
            create_time,
            update_time: self.now,
        };
        self.cards.insert(sku.clone(), card.clone());
        self.put.insert(sku.clone());
        Answer::Card {
            card,
            replayed: false,
        }
    }

    fn adjust_stock(&mut self, change: &Change, adjustment: &Adjustment) -> Answer {
        let row = stock_row(change, adjustment);
        if self.contested.contains(&row) {
            return Answer::Contested;
        }
        if !self.cards.contains_key(&change.sku) {
            return Answer::Refused(Refusal::UnknownSku);
        }
        let level = self.levels.get(&row);
        match adjust(level, adjustment, self.now) {
            Err(Impossible::TooMuch) => Answer::TooMuch,
            Err(Impossible::BelowReserved) => {
                let (on_hand, reserved) =
                    level.map_or((0, 0), |level| (level.on_hand, level.reserved));
                Answer::Refused(Refusal::BelowReserved { on_hand, reserved })
            }
            Ok(level) => {
                self.movements.push(Movement {
                    row: row.clone(),
                    delta: adjustment.delta,
                    reason: adjustment.reason,
                    order_id: adjustment.order_id,
                    request_id: change.request_id.clone(),
                });
                self.levels.insert(row.clone(), level.clone());
                self.adjusted.insert(row.clone());
                Answer::Level {
                    location_id: row.location_id,
                    level,
                    replayed: false,
                }
            }
        }
    }
}

/// The stock row that an adjustment is of.
pub(crate) fn stock_row(change: &Change, adjustment: &Adjustment) -> StockKey {
    let location_id = adjustment.location_id.clone().unwrap_or_default();
    StockKey {
        sku: change.sku.clone(),
        location_id,
    }
}

#[cfg(test)]
mod tests;
