//! Cancelling a confirmed order: reverse its payment, release its stock. It only goes forward: once
//! its start has marked the order CANCELLING, nothing makes it CONFIRMED again.
//!
//! | step | participant |
//! |---|---|
//! | reverse | payment `BatchReverse`; skipped when the total is 0 |
//! | release | inventory `BatchRelease` |

use holdfast_kit::{
    id::{OrderId, PaymentId},
    refusal::{Reason, Refusal},
};
use holdfast_proto::{
    inventory::inventory_service_client::InventoryServiceClient,
    payment::payment_service_client::PaymentServiceClient,
};
use saga_runtime::{Definition, Outcome, Saga, SagaId, Step, Undo};
use serde::{Deserialize, Serialize};
use tonic::transport::Channel;

use super::{
    participant::Linked,
    place::{allocate, pay},
};

/// The definition's name.
pub(crate) const NAME: &str = "cancel";
/// The version that new cancels start with.
pub(crate) const VERSION: i16 = 1;

/// What cancelling one order carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cancelling {
    /// The saga.
    pub(crate) saga_id: SagaId,
    /// The order.
    pub(crate) order_id: OrderId,
    /// Whether it has a payment.
    pub(crate) paid: bool,
}

impl Saga for Cancelling {
    type Refusal = Refusal;

    fn id(&self) -> SagaId {
        self.saga_id
    }

    fn timed_out(&self) -> Refusal {
        Refusal::new(Reason::TimedOut, "a cancel has no deadline")
    }
}

/// The steps in order, each with the channel to its participant.
pub(crate) fn definition(inventory: Channel, payment: Channel) -> Definition<Cancelling> {
    Definition::new(NAME, VERSION)
        .pivot()
        .step(Reverse(PaymentServiceClient::new(payment)))
        .step(Release(InventoryServiceClient::new(inventory)))
}

struct Reverse(PaymentServiceClient<Channel>);

impl Step<Cancelling> for Reverse {
    type Input = Linked<PaymentId>;
    type Output = ();
    type UndoInput = ();

    const NAME: &'static str = "reverse";

    fn input(&self, cancelling: &Cancelling) -> Option<Linked<PaymentId>> {
        let order_id = cancelling.order_id;
        let payment = || Linked::new(order_id.into(), order_id, None);
        cancelling.paid.then(payment)
    }

    fn output(&self, _cancelling: &mut Cancelling, (): ()) {}

    async fn run(&self, payments: Vec<Linked<PaymentId>>) -> Vec<Outcome<(), Refusal>> {
        forward(pay::reverse(&self.0, payments).await)
    }
}

struct Release(InventoryServiceClient<Channel>);

impl Step<Cancelling> for Release {
    type Input = Linked<OrderId>;
    type Output = ();
    type UndoInput = ();

    const NAME: &'static str = "release";

    fn input(&self, cancelling: &Cancelling) -> Option<Linked<OrderId>> {
        let order_id = cancelling.order_id;
        Some(Linked::new(order_id, order_id, None))
    }

    fn output(&self, _cancelling: &mut Cancelling, (): ()) {}

    async fn run(&self, orders: Vec<Linked<OrderId>>) -> Vec<Outcome<(), Refusal>> {
        forward(allocate::release(&self.0, orders).await)
    }
}

/// What undoes a placement is what a cancel does.
fn forward(undone: Vec<Undo>) -> Vec<Outcome<(), Refusal>> {
    let outcome = |undo| match undo {
        Undo::Done => Outcome::Done(()),
        Undo::InFlight { retry_after } => Outcome::InFlight { retry_after },
        Undo::Unknown { error } => Outcome::Unknown { error },
        Undo::Impossible { error } => Outcome::Impossible { error },
    };
    undone.into_iter().map(outcome).collect()
}
