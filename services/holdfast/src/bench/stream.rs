//! Orders over one stream.
//!
//! The rule: each slot has one order in flight; a broken stream is opened again, and whatever has
//! no answer is sent once more.

use std::time::{Duration, Instant};

use holdfast::client::{Backoff, again_after};
use holdfast_kit::refusal::{CallError, Reason, Refusal, Unknown};
use holdfast_proto::order::{
    PlaceOrdersRequest, PlaceOrdersResponse, order_service_client::OrderServiceClient,
    place_orders_response::Outcome as Answered,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, transport::Channel};

use super::{
    latency::Outcome,
    load::{Load, PATIENCE, Records},
};

/// How often a stream that breaks is opened again.
const STREAMS_MAX: u32 = 100;

/// A place for one order in flight.
#[derive(Debug)]
struct Slot {
    /// The order; none once the load is to end.
    order: Option<u64>,
    begun: Instant,
    /// Messages that were sent from this slot.
    rounds: i64,
    retries: u32,
    backoff: Backoff,
}

impl Slot {
    fn new(load: &Load, rounds: i64) -> Self {
        let order = load.next();
        let backoff = Backoff::new(order.unwrap_or(0));
        Self {
            order,
            begun: Instant::now(),
            rounds,
            retries: 0,
            backoff,
        }
    }
}

/// Keeps `share` orders in flight on one stream until the load ends and they have their answers.
///
/// # Errors
/// If the stream breaks again and again.
pub(super) async fn run(
    load: &Load,
    records: &Records,
    channel: Channel,
    share: usize,
) -> anyhow::Result<()> {
    let mut slots: Vec<_> = (0..share).map(|_| Slot::new(load, 0)).collect();
    let mut backoff = Backoff::new(0);
    let mut last = String::new();
    for _ in 0..STREAMS_MAX {
        let stream = Stream {
            load,
            records,
            slots: &mut slots,
        };
        match stream.run(OrderServiceClient::new(channel.clone())).await {
            Ok(()) => return Ok(()),
            Err(status) => last = status.to_string(),
        }
        tokio::time::sleep(backoff.pause()).await;
    }
    anyhow::bail!("the stream breaks again and again: {last}")
}

struct Stream<'a> {
    load: &'a Load,
    records: &'a Records,
    slots: &'a mut [Slot],
}

impl Stream<'_> {
    async fn run(mut self, mut client: OrderServiceClient<Channel>) -> Result<(), Status> {
        // Every slot has at most one message on its way, so that there is always room.
        let (sender, messages) = mpsc::channel(self.slots.len());
        for index in 0..self.slots.len() {
            self.send(&sender, index, Duration::ZERO);
        }
        let mut answers = client
            .place_orders(ReceiverStream::new(messages))
            .await?
            .into_inner();
        let mut live = self
            .slots
            .iter()
            .filter(|slot| slot.order.is_some())
            .count();
        while live > 0 {
            let Some(answer) = answers.message().await? else {
                return Err(Status::unavailable("the stream ended early"));
            };
            live -= usize::from(self.answered(&sender, answer));
        }
        Ok(())
    }

    /// Takes an answer and sends what comes next; tells whether nothing does.
    fn answered(
        &mut self,
        sender: &mpsc::Sender<PlaceOrdersRequest>,
        answer: PlaceOrdersResponse,
    ) -> bool {
        let slots = i64::try_from(self.slots.len()).expect("slots are few");
        let index = usize::try_from((answer.sequence - 1).rem_euclid(slots)).expect("not negative");
        let slot = &mut self.slots[index];
        if answer.sequence != sequence(slot.rounds - 1, index, slots) {
            return false;
        }
        let ended = outcome(answer).or_else(|error| {
            again_after(&error, &mut slot.backoff)
                .filter(|_| slot.begun.elapsed() < PATIENCE)
                .map_or(Ok(Outcome::from(&error)), Err)
        });
        let pause = match ended {
            Ok(outcome) => {
                self.records
                    .ended(self.load, slot.begun, outcome, slot.retries);
                *slot = Slot::new(self.load, slot.rounds);
                Duration::ZERO
            }
            Err(pause) => {
                slot.retries += 1;
                pause
            }
        };
        let is_over = slot.order.is_none();
        self.send(sender, index, pause);
        is_over
    }

    /// Sends what the slot holds, after a pause.
    fn send(&mut self, sender: &mpsc::Sender<PlaceOrdersRequest>, index: usize, pause: Duration) {
        let slots = i64::try_from(self.slots.len()).expect("slots are few");
        let slot = &mut self.slots[index];
        let Some(number) = slot.order else { return };
        let message = PlaceOrdersRequest {
            sequence: sequence(slot.rounds, index, slots),
            order: Some(self.load.workload().order(number)),
        };
        slot.rounds += 1;
        let sender = sender.clone();
        if pause.is_zero() {
            // A stream that has broken takes none; its answers say so.
            let _ = sender.try_send(message);
        } else {
            tokio::spawn(async move {
                tokio::time::sleep(pause).await;
                let _ = sender.send(message).await;
            });
        }
    }
}

/// The number of a message: from 1, and each its own.
fn sequence(round: i64, index: usize, slots: i64) -> i64 {
    round * slots + i64::try_from(index).expect("slots are few") + 1
}

/// What an answer says of its order.
fn outcome(answer: PlaceOrdersResponse) -> Result<Outcome, CallError> {
    match answer.outcome {
        Some(Answered::Order(order)) => {
            let rejection = order.rejection.as_ref();
            let reason = rejection.map_or(Reason::Unspecified, |refusal| refusal.reason());
            Ok(Outcome::of(order.state(), reason))
        }
        Some(Answered::Refusal(refusal)) => {
            Err(Refusal::try_from(refusal)
                .map_or_else(|_| Unknown::internal().into(), CallError::from))
        }
        Some(Answered::Unknown(unknown)) => Err(Unknown::from(unknown).into()),
        None => Err(Unknown::new(Reason::Internal, "an answer without an outcome").into()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use holdfast_kit::refusal::{CallError, Refusal};
    use holdfast_proto::order::{
        Order, OrderState, PlaceOrdersResponse, place_orders_response::Outcome as Answered,
    };

    use super::{Outcome, outcome, sequence};

    #[test]
    fn every_message_has_its_own_number_from_one_and_tells_its_slot() {
        let numbers: BTreeSet<_> = (0..5)
            .flat_map(|round| (0..3).map(move |index| sequence(round, index, 3)))
            .collect();
        assert_eq!(
            numbers.into_iter().collect::<Vec<_>>(),
            (1..=15).collect::<Vec<_>>()
        );
        assert_eq!((sequence(4, 2, 3) - 1).rem_euclid(3), 2);
    }

    #[test]
    fn answers_are_outcomes_or_reasons_to_send_again() {
        let answer = |outcome| PlaceOrdersResponse {
            outcome,
            ..PlaceOrdersResponse::default()
        };
        let order = Order {
            state: OrderState::Confirmed.into(),
            ..Order::default()
        };
        assert_eq!(
            outcome(answer(Some(Answered::Order(order)))),
            Ok(Outcome::Confirmed)
        );
        let shed = Refusal::overloaded(std::time::Duration::from_millis(5));
        let refused = outcome(answer(Some(Answered::Refusal((&shed).into()))));
        assert_eq!(refused, Err(shed.into()));
        assert!(matches!(outcome(answer(None)), Err(CallError::Unknown(_))));
    }
}
