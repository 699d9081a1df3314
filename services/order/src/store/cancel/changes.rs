//! What a batch of cancels changes, decided item by item under the locks, and how that is written.

use std::{collections::HashMap, sync::Arc};

use chrono::{DateTime, Utc};
use holdfast_kit::{
    id::{OrderId, Shard},
    money::{Currency, Money},
    refusal::{Reason, Refusal},
};
use saga_runtime::{RunnerId, SagaId};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    CancelReply, Stored,
    events::{Event, Happened},
    requests::{Binding, Bindings, Body},
};
use crate::{
    domain::{
        self, Cancel, CancelItem, CancelPlan, Capture, Order, OrderState, Placement, Priority,
        Target,
    },
    saga::{cancel::Cancelling, place::VERSION},
};

/// A change of one order.
#[derive(Debug)]
struct Started {
    id: OrderId,
    reason: String,
    /// The saga that cancels the confirmed order; `None`: the running one is turned.
    saga: Option<Cancelling>,
}

/// A placement that is cancelled before it comes.
#[derive(Debug)]
struct Entombed {
    id: OrderId,
    placement: Arc<Placement>,
    reason: String,
}

/// What a batch changes.
#[derive(Debug)]
pub(super) struct Changes {
    now: DateTime<Utc>,
    started: Vec<Started>,
    entombed: Vec<Entombed>,
    pub(super) events: Vec<Event>,
    pub(super) bindings: Bindings,
}

pub(super) fn json(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).expect("strings and integers always serialize")
}

/// Locks the orders in key order; gives the database's time after the last lock.
pub(super) async fn lock(
    connection: &mut PgConnection,
    ids: &[OrderId],
) -> Result<DateTime<Utc>, sqlx::Error> {
    let shards: Vec<i16> = ids.iter().map(|id| id.shard().get()).collect();
    let ids: Vec<Uuid> = ids.iter().map(|id| id.as_uuid()).collect();
    let locked = sqlx::query_file!("src/store/cancel/lock.sql", &shards, &ids)
        .fetch_one(connection)
        .await?;
    Ok(locked.now)
}

impl Changes {
    pub(super) fn at(now: DateTime<Utc>) -> Self {
        Self {
            now,
            started: Vec::new(),
            entombed: Vec::new(),
            events: Vec::new(),
            bindings: Bindings::new(),
        }
    }

    /// Cancels a placement before it comes; a second cancel of it in the batch finds it. One that is
    /// to be at a certain version is not there.
    pub(super) fn entomb(
        &mut self,
        item: &CancelItem,
        orders: &mut HashMap<OrderId, Stored>,
    ) -> Option<OrderId> {
        let Target::Placement {
            customer_id,
            request_id,
        } = &item.target
        else {
            return None;
        };
        if item.expected_version.is_some() {
            return None;
        }
        let same = |before: &&Entombed| {
            let placement = &before.placement;
            (&placement.customer_id, &placement.request_id) == (customer_id, request_id)
        };
        if let Some(before) = self.entombed.iter().find(same) {
            return Some(before.id);
        }
        let id = OrderId::generate(Shard::of_customer(customer_id));
        let order = tombstone(id, customer_id, request_id, &item.reason, self.now);
        self.entombed.push(Entombed {
            id,
            placement: Arc::clone(&order.placement),
            reason: item.reason.clone(),
        });
        orders.insert(id, Stored::ended(order));
        self.events.push(Event {
            id,
            version: 1,
            happened: Happened::Cancelled,
            create_time: self.now,
        });
        Some(id)
    }

    /// Decides one item; what it changes is seen by those after it.
    pub(super) fn decide(
        &mut self,
        item: &CancelItem,
        id: Option<OrderId>,
        orders: &mut HashMap<OrderId, Stored>,
        bound: &mut Bindings,
    ) -> CancelReply {
        let Some(stored) = id.and_then(|id| orders.get_mut(&id)) else {
            return CancelReply::NotFound;
        };
        let id = stored.id;
        let Ok(order) = stored.order.as_mut() else {
            return CancelReply::Unreadable;
        };
        let key = (id, item.request_id.clone());
        let body = Body::of(item);
        if let Some(before) = bound.get(&key) {
            let fields = before.body.differing_fields(&body);
            if !fields.is_empty() {
                return CancelReply::KeyReused { fields };
            }
            return CancelReply::Taken {
                order: Box::new(order.clone()),
                plan: before.plan.clone(),
                replayed: true,
            };
        }
        let plan = match domain::cancel(order, item.expected_version) {
            Err(mismatch) => return CancelReply::VersionMismatch(mismatch),
            Ok(Cancel::AsItIs) => None,
            Ok(Cancel::Turn(plan)) => {
                self.placed(order);
                self.start(order, item, &plan, None);
                Some(plan)
            }
            Ok(Cancel::Begin(plan)) => {
                let saga = Cancelling {
                    saga_id: SagaId(Uuid::now_v7()),
                    order_id: id,
                    paid: order.placement.total.minor_units > 0,
                };
                self.start(order, item, &plan, Some(saga));
                Some(plan)
            }
        };
        let binding = Binding {
            body,
            plan: plan.clone(),
        };
        bound.insert(key.clone(), binding.clone());
        self.bindings.insert(key, binding);
        CancelReply::Taken {
            order: Box::new(order.clone()),
            plan,
            replayed: false,
        }
    }

    fn placed(&mut self, order: &Order) {
        self.events.push(Event {
            id: order.id,
            version: order.version,
            happened: Happened::Placed,
            create_time: order.create_time,
        });
    }

    fn start(
        &mut self,
        order: &mut Order,
        item: &CancelItem,
        plan: &CancelPlan,
        saga: Option<Cancelling>,
    ) {
        order.state = OrderState::Cancelling;
        order.version += 1;
        order.update_time = self.now;
        order.cancel_reason.clone_from(&item.reason);
        self.events.push(Event {
            id: order.id,
            version: order.version,
            happened: Happened::CancelStarted(plan.clone()),
            create_time: self.now,
        });
        self.started.push(Started {
            id: order.id,
            reason: item.reason.clone(),
            saga,
        });
    }

    /// The running orders that are turned.
    pub(super) fn turned(&self) -> Vec<OrderId> {
        let turned = self.started.iter().filter(|started| started.saga.is_none());
        turned.map(|started| started.id).collect()
    }

    /// The sagas that cancel confirmed orders.
    pub(super) fn sagas(&self) -> Vec<Cancelling> {
        self.started
            .iter()
            .filter_map(|started| started.saga.clone())
            .collect()
    }

    /// Writes the rows: what is turned becomes `runner`'s, tombstones are `entomber`'s.
    pub(super) async fn write(
        &self,
        connection: &mut PgConnection,
        runner: Option<RunnerId>,
        entomber: RunnerId,
    ) -> Result<(), sqlx::Error> {
        if !self.started.is_empty() {
            self.write_started(&mut *connection, runner).await?;
        }
        if !self.entombed.is_empty() {
            self.write_entombed(connection, entomber).await?;
        }
        Ok(())
    }

    async fn write_started(
        &self,
        connection: &mut PgConnection,
        runner: Option<RunnerId>,
    ) -> Result<(), sqlx::Error> {
        let refusal = Refusal::new(Reason::Cancelled, "the order was cancelled");
        let shards: Vec<i16> = self.started.iter().map(|s| s.id.shard().get()).collect();
        let ids: Vec<Uuid> = self.started.iter().map(|s| s.id.as_uuid()).collect();
        let reasons: Vec<&str> = self.started.iter().map(|s| s.reason.as_str()).collect();
        let sagas: Vec<Option<Uuid>> = self
            .started
            .iter()
            .map(|started| started.saga.as_ref().map(|saga| saga.saga_id.0))
            .collect();
        let changed = sqlx::query_file!(
            "src/store/cancel/start.sql",
            self.now,
            i16::try_from(i32::from(refusal.reason)).unwrap_or(i16::MAX),
            json(&refusal),
            runner.map(|runner| runner.0),
            &shards,
            &ids,
            &reasons as &[&str],
            &sagas as &[Option<Uuid>],
        )
        .fetch_all(connection)
        .await?;
        assert_eq!(
            changed.len(),
            ids.len(),
            "O1: a locked order is as it was read"
        );
        Ok(())
    }

    async fn write_entombed(
        &self,
        connection: &mut PgConnection,
        entomber: RunnerId,
    ) -> Result<(), sqlx::Error> {
        let shards: Vec<i16> = self.entombed.iter().map(|t| t.id.shard().get()).collect();
        let ids: Vec<Uuid> = self.entombed.iter().map(|t| t.id.as_uuid()).collect();
        let text = |field: fn(&Entombed) -> &str| self.entombed.iter().map(field).collect();
        let customers: Vec<&str> = text(|tombstone| &tombstone.placement.customer_id);
        let requests: Vec<&str> = text(|tombstone| &tombstone.placement.request_id);
        let reasons: Vec<&str> = text(|tombstone| &tombstone.reason);
        sqlx::query_file!(
            "src/store/cancel/entomb.sql",
            self.now,
            VERSION,
            entomber.0,
            &shards,
            &ids,
            &customers as &[&str],
            &requests as &[&str],
            &reasons as &[&str],
        )
        .execute(connection)
        .await?;
        Ok(())
    }
}

fn tombstone(
    id: OrderId,
    customer_id: &str,
    request_id: &str,
    reason: &str,
    now: DateTime<Utc>,
) -> Order {
    let placement = Placement {
        customer_id: customer_id.to_owned(),
        request_id: request_id.to_owned(),
        lines: Vec::new(),
        adjustments: Vec::new(),
        total: Money::zero(Currency::NONE),
        payment_method: String::new(),
        capture: Capture::OnConfirm,
        priority: Priority::Normal,
        decide_within: None,
        metadata: std::collections::BTreeMap::new(),
    };
    Order {
        id,
        placement: Arc::new(placement),
        state: OrderState::Cancelled,
        version: 1,
        create_time: now,
        update_time: now,
        rejection: None,
        allocations: None,
        captured_minor_units: 0,
        refunded_minor_units: 0,
        cancel_reason: reason.to_owned(),
    }
}
