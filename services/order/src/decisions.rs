//! Who waits for which order. An order that this process carries is told by its runner; every other
//! one is followed by reading its row, all of them in one read.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use holdfast_kit::{id::OrderId, refusal::Reason};
use saga_runtime::{Observer, Saga, SagaId, Settled};
use tokio::sync::SetOnce;

use crate::{
    domain::{Order, OrderState},
    saga::{cancel::Cancelling, place::Placing},
    store::{Reads, Receipt},
};

/// Between reads of the rows that are followed.
const FOLLOW_EVERY: Duration = Duration::from_millis(25);
/// Rows in one such read.
const FOLLOW_MAX: usize = 512;

/// Where a decided order is put; everybody who waits for it shares it.
pub(crate) type Verdict = Arc<SetOnce<Arc<Order>>>;

#[derive(Debug)]
struct Awaited {
    verdict: Verdict,
    /// Whether the row is read; the runner alone tells otherwise.
    followed: bool,
}

/// The orders that somebody waits for.
#[derive(Debug, Default)]
pub(crate) struct Decisions {
    awaited: Mutex<HashMap<OrderId, Awaited>>,
}

impl Decisions {
    fn lock(&self) -> MutexGuard<'_, HashMap<OrderId, Awaited>> {
        self.awaited.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts the decision of a new order into `verdict`, told by the runner if it is carried `here`.
    pub(crate) fn expect(&self, id: OrderId, verdict: &Verdict, here: bool) {
        let verdict = Arc::clone(verdict);
        self.lock().insert(
            id,
            Awaited {
                verdict,
                followed: !here,
            },
        );
    }

    /// Where the decision of an order that is there already will be put.
    pub(crate) fn follow(&self, id: OrderId) -> Verdict {
        let mut awaited = self.lock();
        let entry = awaited.entry(id).or_insert_with(|| Awaited {
            verdict: Arc::default(),
            followed: true,
        });
        // Its runner may have told everybody just before: its row is read in any case.
        entry.followed = true;
        Arc::clone(&entry.verdict)
    }

    /// Reads followed rows until the process ends.
    pub(crate) async fn read_followed(self: Arc<Self>, reads: Reads) {
        loop {
            tokio::time::sleep(FOLLOW_EVERY).await;
            for ids in self.followed().chunks(FOLLOW_MAX) {
                match reads.readable(ids).await {
                    Ok(orders) => self.decided(orders),
                    Err(error) => tracing::warn!(%error, "followed orders not read"),
                }
            }
        }
    }

    /// The orders whose rows are to be read; those for which nobody waits any more are forgotten.
    fn followed(&self) -> Vec<OrderId> {
        let mut awaited = self.lock();
        awaited.retain(|_, entry| !entry.followed || Arc::strong_count(&entry.verdict) > 1);
        awaited
            .iter()
            .filter(|(_, entry)| entry.followed)
            .map(|(id, _)| *id)
            .collect()
    }

    fn decided(&self, orders: Vec<Order>) {
        for order in orders.into_iter().filter(|order| order.state.is_decided()) {
            if let Some(entry) = self.lock().remove(&order.id) {
                // Set by the runner in between at the most, with the same decision.
                let _ = entry.verdict.set(Arc::new(order));
            }
        }
    }
}

impl Observer<Placing, Receipt> for Decisions {
    fn settled(&self, settled: Vec<Settled<Placing, Receipt>>) {
        let (cancelled, settled): (Vec<_>, Vec<_>) = settled.into_iter().partition(is_cancelled);
        // What a cancelled order has become stands in its row alone.
        Observer::<Placing, Receipt>::left(
            self,
            cancelled.iter().map(|end| end.saga.id()).collect(),
        );
        let told: Vec<_> = {
            let mut awaited = self.lock();
            settled
                .into_iter()
                .filter_map(|end| awaited.remove(&end.saga.order_id).map(|entry| (entry, end)))
                .collect()
        };
        for (entry, end) in told {
            let _ = entry.verdict.set(Arc::new(decided(end)));
        }
    }

    fn left(&self, ids: Vec<SagaId>) {
        let mut awaited = self.lock();
        for id in ids {
            if let Some(entry) = awaited.get_mut(&OrderId::from_uuid(id.0)) {
                entry.followed = true;
            }
        }
    }
}

impl Observer<Cancelling, ()> for Decisions {
    /// What a cancelled order has become stands in its row alone.
    fn settled(&self, settled: Vec<Settled<Cancelling, ()>>) {
        let orders = settled
            .iter()
            .map(|end| SagaId(end.saga.order_id.as_uuid()));
        Observer::<Placing, Receipt>::left(self, orders.collect());
    }

    /// Whoever waits for the order follows its row in any case.
    fn left(&self, _ids: Vec<SagaId>) {}
}

fn is_cancelled(end: &Settled<Placing, Receipt>) -> bool {
    let refusal = end.refusal.as_ref();
    refusal.is_some_and(|refusal| refusal.reason == Reason::Cancelled)
}

fn decided(end: Settled<Placing, Receipt>) -> Order {
    let Settled {
        saga,
        refusal,
        receipt,
    } = end;
    let state = if refusal.is_some() {
        OrderState::Rejected
    } else {
        OrderState::Confirmed
    };
    let confirmed = state == OrderState::Confirmed;
    Order {
        id: saga.order_id,
        placement: saga.placement,
        state,
        version: receipt.version,
        create_time: saga.create_time,
        update_time: receipt.update_time,
        rejection: refusal,
        allocations: saga.allocations.filter(|_| confirmed),
        captured_minor_units: if confirmed {
            saga.captured_minor_units
        } else {
            0
        },
        refunded_minor_units: 0,
        cancel_reason: String::new(),
    }
}
