//! The decision of a batch of allocations: first come, first served, each order all its lines or
//! none. What was recorded is answered again and takes nothing.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use holdfast_kit::id::OrderId;

use super::line::{Line, Placement, differing_fields};
use super::record::{Answer, Barring, Record, Refusal};
use super::shelf::Shelves;

/// How long the tombstone of an order is kept at least, counted from the time in the order's id.
/// An older order might have been released and forgotten, so it is never allocated any more.
pub(crate) const TOMBSTONES_KEPT: TimeDelta = TimeDelta::days(7);

/// What one order needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Allocation {
    /// The order, whose id is the key.
    pub(crate) order_id: OrderId,
    /// What it needs, as received.
    pub(crate) lines: Vec<Line>,
}

impl Allocation {
    /// Whether its tombstone may be gone already; an id without a time is as old as can be.
    pub(crate) fn is_too_old(&self, now: DateTime<Utc>) -> bool {
        self.order_id
            .create_time()
            .is_none_or(|made| now - made > TOMBSTONES_KEPT)
    }
}

/// What a batch comes to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// One per item, in their order.
    pub(crate) answers: Vec<Answer>,
    /// Which items are decided here for the first time, so that their answers are to be recorded.
    pub(crate) fresh: Vec<usize>,
    /// What they take, one per stock row, in key order.
    pub(crate) taken: Vec<Placement>,
}

/// Decides a batch on its `shelves`. `records` has every record there is of its orders, `now` is
/// the database's clock, read after the locks.
pub(crate) fn allocate(
    items: &[Allocation],
    mut shelves: Shelves,
    records: &HashMap<OrderId, Record>,
    now: DateTime<Utc>,
) -> Verdict {
    let mut answers: Vec<Answer> = Vec::with_capacity(items.len());
    let mut fresh = Vec::with_capacity(items.len());
    let mut first_of: HashMap<OrderId, usize> = HashMap::with_capacity(items.len());
    for (number, item) in items.iter().enumerate() {
        if let Some(record) = records.get(&item.order_id) {
            answers.push(record.repeat(&item.lines));
            continue;
        }
        if let Some(&first) = first_of.get(&item.order_id) {
            let fields = differing_fields(&items[first].lines, &item.lines);
            answers.push(repeat_in_batch(&answers[first], fields));
            continue;
        }
        first_of.insert(item.order_id, number);
        let answer = decide(item, &mut shelves, now);
        if matches!(answer, Answer::Done { .. } | Answer::Refused(_)) {
            fresh.push(number);
        }
        answers.push(answer);
    }
    Verdict {
        answers,
        fresh,
        taken: shelves.taken(),
    }
}

fn decide(item: &Allocation, shelves: &mut Shelves, now: DateTime<Utc>) -> Answer {
    if item.is_too_old(now) {
        return Answer::Barred(Barring::KeyTooOld);
    }
    if shelves.is_contested(&item.lines) {
        return Answer::Contested;
    }
    let skus = shelves.unknown(&item.lines);
    if !skus.is_empty() {
        return Answer::Refused(Refusal::UnknownSku { skus });
    }
    match shelves.take(&item.lines) {
        Ok(placed) => Answer::Done {
            placed,
            replayed: false,
        },
        Err(shortages) => Answer::Refused(Refusal::OutOfStock { shortages }),
    }
}

/// The answer to an order that came before in the same batch and differs from it in `fields`.
fn repeat_in_batch(first: &Answer, fields: Vec<String>) -> Answer {
    match first {
        Answer::Done { .. } | Answer::Refused(_) if !fields.is_empty() => Answer::KeyReused(fields),
        Answer::Done { placed, .. } => Answer::Done {
            placed: placed.clone(),
            replayed: true,
        },
        Answer::Refused(_) | Answer::KeyReused(_) | Answer::Barred(_) | Answer::Contested => {
            first.clone()
        }
    }
}

#[cfg(test)]
mod tests;
