//! Start: the insert of orders, under the key (customer, request_id). The first of a key is
//! inserted and handed to the runner before anybody is answered; every other one reads what is
//! there and compares, so that one key has one body and one order.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use chrono::{DateTime, Utc};
use holdfast_kit::{id::OrderId, trace::TraceParent};
use saga_batch::{Command, NewKeys, is_refused};
use saga_runtime::{Adopted, Runner};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    load::{self, Stored},
    recovery::claimed,
};
use crate::{
    decisions::{Decisions, Verdict},
    domain::{Capture, Order, Placement, Priority, differing_fields},
    saga::place::{Placing, VERSION},
};

/// One order to be placed.
#[derive(Debug)]
pub(crate) struct PlaceItem {
    /// What is asked.
    pub(crate) placement: Arc<Placement>,
    /// Whether this process carries the saga itself.
    pub(crate) carrier: Carrier,
    /// Where the order is put once it is decided, if somebody waits for that.
    pub(crate) verdict: Option<Verdict>,
    /// The trace of the call that asks for it; it is not stored.
    pub(crate) trace: Option<TraceParent>,
}

/// Who carries a new saga.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carrier {
    /// This process's runner.
    Here,
    /// The first runner with room.
    Anyone,
}

/// What came of placing one order.
#[derive(Clone, Debug)]
pub(crate) enum Placed {
    /// It is new.
    New {
        /// Its id.
        id: OrderId,
        /// When it was accepted.
        create_time: DateTime<Utc>,
    },
    /// Its key had come before with the same body.
    Existing(Box<Order>),
    /// Its key had come before with another body.
    KeyReused {
        /// The fields that differ.
        fields: Vec<String>,
    },
    /// Its key had come before, and its row cannot be read: a defect, and nobody else's trouble.
    Unreadable,
}

/// The batch command of start.
#[derive(Debug)]
pub(crate) struct Place {
    /// Who carries new sagas.
    pub(crate) runner: Runner<Placing>,
    /// Who waits for decisions.
    pub(crate) decisions: Arc<Decisions>,
    /// Whether the keys of a batch are presumed to be new.
    pub(crate) new_keys: NewKeys,
}

type Key<'a> = (i16, &'a str, &'a str);

fn key(item: &PlaceItem) -> Key<'_> {
    let placement = &item.placement;
    (
        placement.shard().get(),
        &placement.customer_id,
        &placement.request_id,
    )
}

impl Command for Place {
    type Item = PlaceItem;
    type Reply = Placed;

    const NAME: &'static str = "order.place";
    const KEYS: Option<&str> = Some("orders_request_unique");

    fn lines(item: &PlaceItem) -> usize {
        item.placement.lines.len()
    }

    async fn execute(
        &self,
        connection: &mut PgConnection,
        items: &[PlaceItem],
    ) -> Result<Vec<Placed>, sqlx::Error> {
        let start = self.runner.starting();
        let mut seen = self.taken(connection, items).await?;
        let first: Vec<usize> = (0..items.len())
            .filter(|i| seen.insert(key(&items[*i])))
            .collect();
        let ids: Vec<OrderId> = first
            .iter()
            .map(|i| OrderId::generate(items[*i].placement.shard()))
            .collect();
        let inserted = self.insert(connection, items, &first, &ids).await;
        let inserted = match self.new_keys.learn(inserted) {
            Ok(inserted) => inserted,
            Err(error) => {
                if is_refused(&error) {
                    start.settled();
                }
                return Err(error);
            }
        };

        let mut replies: Vec<Option<Placed>> = vec![None; items.len()];
        let mut adopted = Vec::with_capacity(first.len());
        for (index, id) in first.into_iter().zip(ids.iter().copied()) {
            let Some((create_time, runner)) = inserted.get(&id.as_uuid()).copied() else {
                continue;
            };
            let item = &items[index];
            let here = runner == Some(self.runner.id().0);
            if let Some(verdict) = &item.verdict {
                self.decisions.expect(id, verdict, here);
            }
            if here {
                adopted.push(started(id, item, create_time));
            }
            replies[index] = Some(Placed::New { id, create_time });
        }
        self.runner.adopt(adopted);
        start.settled();
        self.answer_the_rest(connection, items, &mut replies)
            .await?;
        Ok(replies
            .into_iter()
            .map(|reply| reply.expect("every key has a row by now"))
            .collect())
    }
}

fn started(id: OrderId, item: &PlaceItem, create_time: DateTime<Utc>) -> Adopted<Placing> {
    Adopted {
        saga: Box::new(Placing {
            order_id: id,
            placement: Arc::clone(&item.placement),
            create_time,
            allocations: None,
            captured_minor_units: 0,
            trace: item.trace,
        }),
        epoch: 1,
        remaining: item.placement.decide_within(),
    }
}

impl Place {
    /// The keys of the items that are there already, as far as that is worth a look.
    async fn taken<'a>(
        &self,
        connection: &mut PgConnection,
        items: &'a [PlaceItem],
    ) -> Result<HashSet<Key<'a>>, sqlx::Error> {
        if self.new_keys.presumed() {
            return Ok(HashSet::with_capacity(items.len()));
        }
        let keys: HashSet<Key<'_>> = items.iter().map(key).collect();
        let found = load::find(connection, &keys.iter().copied().collect::<Vec<_>>()).await?;
        let found: HashSet<(&str, &str)> = found
            .iter()
            .map(|found| (&*found.customer_id, &*found.request_id))
            .collect();
        let taken = |(_, customer, request): &Key<'_>| found.contains(&(*customer, *request));
        Ok(keys.into_iter().filter(taken).collect())
    }

    /// Inserts the items at `first`; gives time and runner of each that was not there before.
    async fn insert(
        &self,
        connection: &mut PgConnection,
        items: &[PlaceItem],
        first: &[usize],
        ids: &[OrderId],
    ) -> Result<HashMap<Uuid, (DateTime<Utc>, Option<Uuid>)>, sqlx::Error> {
        let placements: Vec<&Placement> = first.iter().map(|i| &*items[*i].placement).collect();
        let column = Columns::of(&placements);
        let shards: Vec<i16> = ids.iter().map(|id| id.shard().get()).collect();
        let uuids: Vec<Uuid> = ids.iter().map(|id| id.as_uuid()).collect();
        let carry: Vec<bool> = first
            .iter()
            .map(|i| items[*i].carrier == Carrier::Here)
            .collect();
        let rows = sqlx::query_file!(
            "src/store/place.sql",
            self.runner.id().0,
            VERSION,
            &shards,
            &uuids,
            &column.customer_ids as &[&str],
            &column.request_ids as &[&str],
            &column.currencies as &[&str],
            &column.totals,
            &column.lines,
            &column.adjustments as &[Option<String>],
            &column.metadata as &[Option<String>],
            &column.payment_methods as &[&str],
            &column.captures,
            &column.priorities,
            &column.decide_within as &[Option<i64>],
            &column.decide,
            &carry,
        )
        .fetch_all(connection)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| (row.order_id, (row.create_time, row.runner)))
            .collect())
    }

    /// Answers what was not inserted from what is there.
    async fn answer_the_rest(
        &self,
        connection: &mut PgConnection,
        items: &[PlaceItem],
        replies: &mut [Option<Placed>],
    ) -> Result<(), sqlx::Error> {
        let rest: Vec<usize> = (0..items.len()).filter(|i| replies[*i].is_none()).collect();
        if rest.is_empty() {
            return Ok(());
        }
        let keys: Vec<Key<'_>> = rest.iter().map(|i| key(&items[*i])).collect();
        let stored = load::by_request(connection, &keys).await?;
        self.resume(&stored);
        let mut orders = HashMap::with_capacity(stored.len());
        for stored in &stored {
            match &stored.order {
                Ok(order) => {
                    let placement = &order.placement;
                    let key = (&*placement.customer_id, &*placement.request_id);
                    orders.insert(key, order);
                }
                Err(error) => tracing::error!(order.id = %stored.id, error, "row not decoded"),
            }
        }
        for index in rest {
            let placement = &items[index].placement;
            let key = (&*placement.customer_id, &*placement.request_id);
            replies[index] = Some(match orders.get(&key) {
                None => Placed::Unreadable,
                Some(order) => compared(order, placement),
            });
        }
        Ok(())
    }

    /// Carries on what this process started with the answer of its insert lost: nobody else will.
    fn resume(&self, stored: &[Stored]) {
        let lost = stored.iter().filter(|row| {
            let here = row.runner == Some(self.runner.id());
            here && !row.ended && !row.turned && !row.halted
        });
        self.runner.take_over(lost.cloned().map(claimed).collect());
    }
}

fn compared(order: &Order, placement: &Placement) -> Placed {
    if order.is_tombstone() {
        // Cancelled before it came, whatever it was to hold.
        return Placed::Existing(Box::new(order.clone()));
    }
    let fields = differing_fields(&order.placement, placement);
    if fields.is_empty() {
        return Placed::Existing(Box::new(order.clone()));
    }
    Placed::KeyReused { fields }
}

/// Placements turned on their side, a vector per column.
struct Columns<'a> {
    customer_ids: Vec<&'a str>,
    request_ids: Vec<&'a str>,
    currencies: Vec<&'a str>,
    totals: Vec<i64>,
    lines: Vec<String>,
    adjustments: Vec<Option<String>>,
    metadata: Vec<Option<String>>,
    payment_methods: Vec<&'a str>,
    captures: Vec<i16>,
    priorities: Vec<i16>,
    decide_within: Vec<Option<i64>>,
    decide: Vec<i64>,
}

impl<'a> Columns<'a> {
    fn of(placements: &[&'a Placement]) -> Self {
        let text = |field: fn(&Placement) -> &str| -> Vec<&'a str> {
            placements
                .iter()
                .map(|placement| field(placement))
                .collect()
        };
        let number = |field: fn(&Placement) -> i16| placements.iter().map(|p| field(p)).collect();
        Self {
            customer_ids: text(|placement| &placement.customer_id),
            request_ids: text(|placement| &placement.request_id),
            currencies: placements
                .iter()
                .map(|p| p.total.currency.as_str())
                .collect(),
            totals: placements.iter().map(|p| p.total.minor_units).collect(),
            lines: placements.iter().map(|p| json(&p.lines)).collect(),
            adjustments: placements
                .iter()
                .map(|p| (!p.adjustments.is_empty()).then(|| json(&p.adjustments)))
                .collect(),
            metadata: placements
                .iter()
                .map(|p| (!p.metadata.is_empty()).then(|| json(&p.metadata)))
                .collect(),
            payment_methods: text(|placement| &placement.payment_method),
            captures: number(|placement| capture_column(placement.capture)),
            priorities: number(|placement| priority_column(placement.priority)),
            decide_within: placements
                .iter()
                .map(|p| p.decide_within.map(millis))
                .collect(),
            decide: placements
                .iter()
                .map(|p| millis(p.decide_within()))
                .collect(),
        }
    }
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("strings and integers always serialize")
}

fn millis(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

fn capture_column(capture: Capture) -> i16 {
    match capture {
        Capture::OnConfirm => 1,
        Capture::OnFulfillment => 2,
    }
}

fn priority_column(priority: Priority) -> i16 {
    match priority {
        Priority::Normal => 1,
        Priority::High => 2,
        Priority::Low => 3,
    }
}
