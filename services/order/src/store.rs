//! The order database: batch commands for what is written often, a small pool for the rest.
//! A row is the order and the log of its saga; every write to it is a compare-and-set.

mod cancel;
mod finish;
mod list;
mod load;
mod log;
mod place;
mod recovery;
mod trouble;
mod turn;

#[cfg(test)]
mod tests;

pub(crate) use cancel::{CancelLog, CancelOrders, CancelReply};
pub(crate) use list::Filter;
pub(crate) use log::{OrderLog, Receipt};
pub(crate) use place::{Carrier, Place, PlaceItem, Placed};

use sqlx::PgPool;

use crate::domain::{Order, Target};

/// The reads of the order database.
#[derive(Clone, Debug)]
pub(crate) struct Reads {
    pool: PgPool,
}

impl Reads {
    /// Reads through `pool`.
    #[must_use]
    pub(crate) fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    /// Reads orders by id; one that is not there is left out.
    ///
    /// # Errors
    /// Whatever the database says, or that a row cannot be decoded.
    pub(crate) async fn by_id(
        &self,
        ids: &[holdfast_kit::id::OrderId],
    ) -> Result<Vec<Order>, sqlx::Error> {
        let mut connection = self.pool.acquire().await?;
        let stored = load::by_id(&mut connection, ids).await?;
        stored
            .into_iter()
            .map(|stored| stored.order.map_err(undecodable))
            .collect()
    }

    /// Reads the order that a cancel is about; `None`: it is not there.
    ///
    /// # Errors
    /// As for [`Reads::by_id`].
    pub(crate) async fn target(&self, target: &Target) -> Result<Option<Order>, sqlx::Error> {
        let id = match target {
            Target::Order(id) => Some(*id),
            Target::Placement {
                customer_id,
                request_id,
            } => {
                let mut connection = self.pool.acquire().await?;
                let key = (customer_id.clone(), request_id.clone());
                let found = load::ids_of(&mut connection, &[key]).await?;
                found.into_values().next()
            }
        };
        match id {
            Some(id) => Ok(self.by_id(&[id]).await?.pop()),
            None => Ok(None),
        }
    }

    /// As [`Reads::by_id`], but leaves out what cannot be decoded: it is no trouble to the others.
    ///
    /// # Errors
    /// Whatever the database says.
    pub(crate) async fn readable(
        &self,
        ids: &[holdfast_kit::id::OrderId],
    ) -> Result<Vec<Order>, sqlx::Error> {
        let mut connection = self.pool.acquire().await?;
        let stored = load::by_id(&mut connection, ids).await?;
        let readable = stored.into_iter().filter_map(|stored| {
            let told =
                |error: &String| tracing::warn!(order.id = %stored.id, error, "row not decoded");
            stored.order.inspect_err(told).ok()
        });
        Ok(readable.collect())
    }

    /// Reads a page of orders, newest first.
    ///
    /// # Errors
    /// As for [`Reads::by_id`].
    pub(crate) async fn list(&self, filter: &Filter) -> Result<Vec<Order>, sqlx::Error> {
        let mut connection = self.pool.acquire().await?;
        let ids = list::ids(&mut connection, filter).await?;
        let stored = load::by_id(&mut connection, &ids).await?;
        let orders: Result<Vec<_>, _> = stored
            .into_iter()
            .map(|stored| stored.order.map_err(undecodable))
            .collect();
        let mut orders = orders?;
        orders.sort_by_key(|order| std::cmp::Reverse(order.id));
        Ok(orders)
    }
}

fn undecodable(error: String) -> sqlx::Error {
    sqlx::Error::Decode(error.into())
}
