//! The batch command of the changes that callers make one by one: reads and locks what they touch,
//! has the books entered, writes what they come to. A key or a row that somebody else made
//! meanwhile is found by the count of rows, and the batch runs again.

use std::sync::Arc;

use saga_batch::Command;
use sqlx::{Connection, PgConnection};

use super::columns::count;
use super::held::HeldRows;
use super::lock::{Waiting, lock_rows};
use super::transaction::{ATTEMPTS_MAX, Tried, end};
use super::wanted::Wanted;
use crate::domain::change::{Answer, Body, Books, Change, stock_row};

mod reads;
mod writes;

/// Enters a batch of changes in the books.
#[derive(Debug)]
pub(crate) struct ChangeBatch {
    held: Arc<HeldRows>,
}

impl ChangeBatch {
    pub(crate) fn new(held: Arc<HeldRows>) -> Self {
        Self { held }
    }
}

impl Command for ChangeBatch {
    type Item = Change;
    type Reply = Answer;

    const NAME: &'static str = "inventory-change";

    async fn execute(
        &self,
        connection: &mut PgConnection,
        items: &[Change],
    ) -> Result<Vec<Answer>, sqlx::Error> {
        let mut waiting = Waiting::Allowed;
        for _ in 0..ATTEMPTS_MAX {
            let mut transaction = connection.begin().await?;
            let tried = self.enter(&mut transaction, items, waiting).await;
            match end(transaction, tried).await? {
                Tried::Decided(answers) => return Ok(answers),
                Tried::TimedOut => waiting = Waiting::Forbidden,
                Tried::Overtaken => {}
            }
        }
        tracing::warn!(
            items = items.len(),
            "batch of changes was overtaken too often"
        );
        Ok(vec![Answer::Contested; items.len()])
    }
}

impl ChangeBatch {
    async fn enter(
        &self,
        connection: &mut PgConnection,
        items: &[Change],
        waiting: Waiting,
    ) -> Result<Tried<Vec<Answer>>, sqlx::Error> {
        let mut wanted = Wanted::default();
        for change in items {
            if let Body::AdjustStock(adjustment) = &change.body {
                let row = stock_row(change, adjustment);
                wanted.add(&row.sku, &row.location_id);
            }
        }
        // Read before the rows: what a known key did is there by the time that they are read. A key
        // that comes in between is found when it is bound.
        let operations = reads::find_operations(connection, items).await?;
        let locked = lock_rows(connection, &wanted, &self.held, waiting).await?;
        let mut books = Books::new(locked.now);
        books.levels.extend(locked.levels);
        books.contested = locked.contested;
        books.cards = reads::lock_cards(connection, items).await?;
        books.operations = operations;
        let read = books.levels.clone();
        let answers = books.enter(items);
        let whole = writes::put_skus(connection, &books).await? == count(books.put.len())
            && writes::adjust_stock(connection, &books, &read).await?
                == count(books.adjusted.len())
            && writes::bind_operations(connection, &books).await? == count(books.bound.len());
        if !whole {
            return Ok(Tried::Overtaken);
        }
        writes::record_movements(connection, &books).await?;
        Ok(Tried::Decided(answers))
    }
}
