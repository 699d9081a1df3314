//! Which orders a page of a list holds: newest first, which is by descending id. A customer's are
//! found by their shard, everybody's by id alone.

use chrono::{DateTime, Utc};
use holdfast_kit::id::{OrderId, Shard};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::OrderState;

/// Which orders are wanted.
#[derive(Clone, Debug)]
pub(crate) struct Filter {
    /// Whose; `None`: everybody's.
    pub(crate) customer_id: Option<String>,
    /// In one of these states; none: in any.
    pub(crate) states: Vec<OrderState>,
    /// Created at or after it.
    pub(crate) start_time: Option<DateTime<Utc>>,
    /// Created before it.
    pub(crate) end_time: Option<DateTime<Utc>>,
    /// Only those older than this one.
    pub(crate) before: Option<OrderId>,
    /// At most so many.
    pub(crate) limit: u32,
}

pub(super) async fn ids(
    connection: &mut PgConnection,
    filter: &Filter,
) -> Result<Vec<OrderId>, sqlx::Error> {
    let before = filter.before.map_or(Uuid::max(), OrderId::as_uuid);
    let states: Vec<i16> = if filter.states.is_empty() {
        vec![1, 2, 4, 5, 6]
    } else {
        filter.states.iter().map(|state| column(*state)).collect()
    };
    let limit = i64::from(filter.limit);
    let ids = match &filter.customer_id {
        Some(customer_id) => {
            sqlx::query_scalar!(
                "-- order: list a customer's orders
                select o.order_id
                from orders o
                where o.shard = $1
                    and o.customer_id = $2
                    and o.order_id < $3
                    and o.state = any($4)
                    and ($5::timestamptz is null or o.create_time >= $5)
                    and ($6::timestamptz is null or o.create_time < $6)
                order by o.order_id desc
                limit $7",
                Shard::of_customer(customer_id).get(),
                customer_id,
                before,
                &states,
                filter.start_time,
                filter.end_time,
                limit,
            )
            .fetch_all(connection)
            .await?
        }
        None => {
            sqlx::query_scalar!(
                "-- order: list everybody's orders
                select o.order_id
                from orders o
                where o.order_id < $1
                    and o.state = any($2)
                    and ($3::timestamptz is null or o.create_time >= $3)
                    and ($4::timestamptz is null or o.create_time < $4)
                order by o.order_id desc
                limit $5",
                before,
                &states,
                filter.start_time,
                filter.end_time,
                limit,
            )
            .fetch_all(connection)
            .await?
        }
    };
    Ok(ids.into_iter().map(OrderId::from_uuid).collect())
}

fn column(state: OrderState) -> i16 {
    match state {
        OrderState::Pending => 1,
        OrderState::Confirmed => 2,
        OrderState::Rejected => 4,
        OrderState::Cancelling => 5,
        OrderState::Cancelled => 6,
    }
}
