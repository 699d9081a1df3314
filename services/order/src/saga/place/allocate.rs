//! Step 1: set the order's stock aside, every line or none; undone by releasing it.

use holdfast_kit::id::OrderId;
use holdfast_proto::{
    inventory::{
        AllocateItem, AllocationResult, BatchAllocateRequest, BatchReleaseRequest, ReleaseItem,
        allocation_result, inventory_service_client::InventoryServiceClient,
    },
    types::StockLine,
};
use saga_runtime::{Outcome, Step, Undo};
use tonic::transport::Channel;

use super::Placing;
use crate::domain::Allocation;
use crate::saga::participant::{self, Linked};

pub(super) struct Allocate {
    inventory: InventoryServiceClient<Channel>,
}

impl Allocate {
    pub(super) fn new(channel: Channel) -> Self {
        Self {
            inventory: InventoryServiceClient::new(channel),
        }
    }
}

impl Step<Placing> for Allocate {
    type Input = Linked<AllocateItem>;
    type Output = Option<Vec<Allocation>>;
    type UndoInput = Linked<OrderId>;

    const NAME: &'static str = "allocate";

    fn input(&self, placing: &Placing) -> Option<Linked<AllocateItem>> {
        let lines = placing.placement.lines.iter().map(|line| StockLine {
            sku: line.sku.clone(),
            quantity: line.quantity,
            location_id: line.location_id.clone(),
        });
        let item = AllocateItem {
            order_id: placing.order_id.to_wire_bytes(),
            lines: lines.collect(),
        };
        Some(placing.linked(item))
    }

    fn output(&self, placing: &mut Placing, allocations: Option<Vec<Allocation>>) {
        placing.allocations = allocations;
    }

    async fn run(
        &self,
        inputs: Vec<Linked<AllocateItem>>,
    ) -> Vec<Outcome<Option<Vec<Allocation>>, holdfast_kit::refusal::Refusal>> {
        let count = inputs.len();
        let mut inventory = self.inventory.clone();
        let request = participant::request(inputs, |items| BatchAllocateRequest { items });
        let call = inventory.batch_allocate(request);
        match participant::answered("inventory", count, call, |answer| answer.results).await {
            Ok(results) => results.into_iter().map(outcome).collect(),
            Err(error) => vec![Outcome::Unknown { error }; count],
        }
    }

    fn undo_input(&self, placing: &Placing) -> Option<Linked<OrderId>> {
        Some(placing.linked(placing.order_id))
    }

    async fn undo(&self, orders: Vec<Linked<OrderId>>) -> Vec<Undo> {
        release(&self.inventory, orders).await
    }
}

/// Sets free whatever the orders keep; an order never seen is stopped.
pub(in crate::saga) async fn release(
    inventory: &InventoryServiceClient<Channel>,
    orders: Vec<Linked<OrderId>>,
) -> Vec<Undo> {
    let count = orders.len();
    let item = |id: OrderId| ReleaseItem {
        order_id: id.to_wire_bytes(),
    };
    let mut inventory = inventory.clone();
    let request = participant::request(orders, |ids| BatchReleaseRequest {
        items: ids.into_iter().map(item).collect(),
    });
    let call = inventory.batch_release(request);
    match participant::answered("inventory", count, call, |answer| answer.results).await {
        Ok(results) => results
            .into_iter()
            .map(outcome)
            .map(participant::undone)
            .collect(),
        Err(error) => vec![Undo::Unknown { error }; count],
    }
}

fn outcome(
    result: AllocationResult,
) -> Outcome<Option<Vec<Allocation>>, holdfast_kit::refusal::Refusal> {
    match result.outcome {
        Some(allocation_result::Outcome::Done(done)) => {
            let lines = done.lines.into_iter().map(|line| Allocation {
                sku: line.sku,
                quantity: line.quantity,
                location_id: line.location_id.unwrap_or_default(),
            });
            let lines: Vec<_> = lines.collect();
            Outcome::Done(if lines.is_empty() { None } else { Some(lines) })
        }
        Some(allocation_result::Outcome::Refusal(refusal)) => participant::refused(refusal),
        Some(allocation_result::Outcome::Unknown(unknown)) => participant::unknown(&unknown),
        Some(allocation_result::Outcome::Barred(_)) => Outcome::Barred,
        None => participant::empty(),
    }
}
