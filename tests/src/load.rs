//! Callers that place orders without a break, whatever happens to the cluster.
//!
//! The rule: a caller behaves as the contract tells it to. It keeps its key until it knows the
//! answer, comes back when it is told to, and writes down everything it hears.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Context as _;
use holdfast_proto::order::PlaceOrderRequest;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use tokio::task::JoinSet;

use crate::{
    ledger::Ledger,
    orders::Orders,
    placement::{Placement, unique},
};

/// How long a caller asks for one answer before it calls that a failure.
const ANSWER_WITHIN: Duration = Duration::from_secs(90);

/// How the callers pay, and how many of a hundred do so.
const TOKENS: [(&str, u32); 8] = [
    ("tok_ok", 60),
    ("tok_decline", 8),
    ("tok_slow_300", 12),
    ("tok_slow_1500", 4),
    ("tok_lost_reply", 6),
    ("tok_timeout_then_ok", 4),
    ("tok_error_1_then_ok", 3),
    ("tok_refund_error_1_then_ok", 3),
];

/// What the callers buy, and who they are.
#[derive(Clone, Debug)]
pub struct Mix {
    /// The SKUs; one to three of them are in an order.
    pub skus: Vec<String>,
    /// Where the callers' randomness starts.
    pub seed: u64,
}

impl Mix {
    fn order(&self, rng: &mut StdRng, customer: &str) -> PlaceOrderRequest {
        let mut order = Placement::of(customer).token(token(rng));
        for _ in 0..rng.random_range(1..=3) {
            let sku = &self.skus[rng.random_range(0..self.skus.len())];
            order = order.line(sku, rng.random_range(1..=2));
        }
        // One in ten must be decided in a second, so that slow payments are turned as well.
        if rng.random_ratio(1, 10) {
            order = order.within(Duration::from_secs(1));
        }
        if rng.random_ratio(1, 5) {
            order = order.accepted();
        }
        order.request()
    }
}

fn token(rng: &mut StdRng) -> &'static str {
    let mut left = rng.random_range(0..TOKENS.iter().map(|(_, share)| share).sum());
    for (token, share) in TOKENS {
        if left < share {
            return token;
        }
        left -= share;
    }
    TOKENS[0].0
}

#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    in_flight: AtomicUsize,
    unanswered: AtomicU64,
}

/// Callers at work.
#[derive(Debug)]
pub struct Load {
    shared: Arc<Shared>,
    ledger: Arc<Ledger>,
    callers: JoinSet<anyhow::Result<()>>,
}

impl Load {
    /// Starts so many callers, spread over these services.
    pub fn start(callers: usize, services: &[Orders], mix: &Mix) -> Load {
        let (shared, ledger) = (Arc::new(Shared::default()), Arc::new(Ledger::default()));
        let mut load = Load {
            shared: Arc::clone(&shared),
            ledger: Arc::clone(&ledger),
            callers: JoinSet::new(),
        };
        for (number, service) in (0..callers).zip(services.iter().cycle()) {
            let caller = Caller {
                orders: service.clone(),
                mix: mix.clone(),
                shared: Arc::clone(&shared),
                ledger: Arc::clone(&ledger),
            };
            let seed = mix.seed.wrapping_add(number as u64);
            load.callers.spawn(caller.work(StdRng::seed_from_u64(seed)));
        }
        load
    }

    /// Calls that were sent and have no answer yet.
    pub fn in_flight(&self) -> usize {
        self.shared.in_flight.load(Ordering::Relaxed)
    }

    /// Calls that ended without an answer, and were made again.
    pub fn unanswered(&self) -> u64 {
        self.shared.unanswered.load(Ordering::Relaxed)
    }

    /// What the callers have been told.
    pub fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }

    /// Lets every caller get its last answer and leave.
    ///
    /// # Errors
    /// If one of them was refused, or got no answer in time.
    pub async fn stop(mut self) -> anyhow::Result<Arc<Ledger>> {
        self.shared.stop.store(true, Ordering::Relaxed);
        while let Some(left) = self.callers.join_next().await {
            left.context("a caller panicked")??;
        }
        Ok(self.ledger)
    }
}

struct Caller {
    orders: Orders,
    mix: Mix,
    shared: Arc<Shared>,
    ledger: Arc<Ledger>,
}

impl Caller {
    async fn work(self, mut rng: StdRng) -> anyhow::Result<()> {
        let customer = unique("caller");
        while !self.shared.stop.load(Ordering::Relaxed) {
            let order = self.mix.order(&mut rng, &customer);
            let give_up = Instant::now() + ANSWER_WITHIN;
            self.shared.in_flight.fetch_add(1, Ordering::Relaxed);
            let answer = self.orders.place_until_known(&order, give_up, |_| {
                self.shared.unanswered.fetch_add(1, Ordering::Relaxed);
            });
            let answer = answer.await;
            self.shared.in_flight.fetch_sub(1, Ordering::Relaxed);
            let placed =
                answer.with_context(|| format!("order {} has no answer", order.request_id))?;
            let placed = placed.order.context("an answer without an order")?;
            self.ledger.record(&order, &placed);
        }
        Ok(())
    }
}
