//! Lanes: one per step, undo and log write. Sagas that are due wait in their lane; a batch leaves
//! when none is in flight, when a full one waits, or when the one in flight takes too long.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use saga_core::{Effect, Shape, StepIndex};

/// What a lane's batches do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Run(StepIndex),
    Undo(StepIndex),
    Turn,
    Finish,
    Read,
}

impl Kind {
    /// Every lane of a shape, the ones that end sagas first.
    pub(super) fn all(shape: Shape) -> Vec<Self> {
        let mut kinds = vec![Self::Finish, Self::Turn, Self::Read];
        kinds.extend((0..shape.steps()).rev().map(Self::Undo));
        kinds.extend((0..shape.steps()).rev().map(Self::Run));
        kinds
    }

    /// The lane that an effect goes to; `None`: the effect is no batch's.
    pub(super) fn of(effect: Effect) -> Option<Self> {
        match effect {
            Effect::Run(index) => Some(Self::Run(index)),
            Effect::Undo(index) => Some(Self::Undo(index)),
            Effect::Turn => Some(Self::Turn),
            Effect::Finish => Some(Self::Finish),
            Effect::Read => Some(Self::Read),
            Effect::Wait | Effect::Park | Effect::Settle | Effect::Leave | Effect::Nothing => None,
        }
    }
}

/// The sagas that wait for one kind of batch, and the batches of it in flight.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) kind: Kind,
    waiting: VecDeque<(usize, usize)>,
    flights: Vec<(u64, Instant)>,
}

/// How large batches are and how many fly.
#[derive(Clone, Copy, Debug)]
pub(super) struct Policy {
    pub(super) items_max: usize,
    pub(super) lines_max: usize,
    pub(super) flights_max: usize,
    pub(super) patience: Duration,
}

impl Lane {
    pub(super) fn new(kind: Kind) -> Self {
        Self {
            kind,
            waiting: VecDeque::new(),
            flights: Vec::new(),
        }
    }

    /// Puts the saga at `key` in, which takes `lines` of the batch's budget.
    pub(super) fn push(&mut self, key: usize, lines: usize) {
        self.waiting.push_back((key, lines));
    }

    /// Takes the keys of the next batch, if one should leave now.
    pub(super) fn depart(&mut self, now: Instant, policy: Policy, flight: u64) -> Vec<usize> {
        if !self.may_depart(now, policy) {
            return Vec::new();
        }
        let (mut lines, mut count) = (0, 0);
        for (_, weight) in self.waiting.iter().take(policy.items_max) {
            lines += weight;
            if lines > policy.lines_max && count > 0 {
                break;
            }
            count += 1;
        }
        self.flights.push((flight, now));
        self.waiting.drain(..count).map(|(key, _)| key).collect()
    }

    fn may_depart(&self, now: Instant, policy: Policy) -> bool {
        if self.waiting.is_empty() || self.flights.len() >= policy.flights_max {
            return false;
        }
        self.flights.is_empty()
            || self.waiting.len() >= policy.items_max
            || self
                .latest()
                .is_some_and(|latest| now >= latest + policy.patience)
    }

    /// When waiting sagas may leave although nothing lands.
    pub(super) fn wake(&self, policy: Policy) -> Option<Instant> {
        if self.waiting.is_empty() || self.flights.len() >= policy.flights_max {
            return None;
        }
        self.latest().map(|latest| latest + policy.patience)
    }

    /// The latest departure: each further batch waits its own patience.
    fn latest(&self) -> Option<Instant> {
        self.flights.iter().map(|(_, departed)| *departed).max()
    }

    /// A batch has landed; gives when it departed.
    pub(super) fn land(&mut self, flight: u64) -> Option<Instant> {
        let index = self.flights.iter().position(|(id, _)| *id == flight)?;
        Some(self.flights.swap_remove(index).1)
    }

    pub(super) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Kind, Lane, Policy};

    const POLICY: Policy = Policy {
        items_max: 3,
        lines_max: 10,
        flights_max: 2,
        patience: Duration::from_millis(5),
    };

    #[test]
    fn a_lone_saga_leaves_at_once_and_the_next_ones_collect() {
        let now = Instant::now();
        let mut lane = Lane::new(Kind::Finish);
        lane.push(1, 1);
        assert_eq!(lane.depart(now, POLICY, 1), [1]);
        lane.push(2, 1);
        lane.push(3, 1);
        assert!(lane.depart(now, POLICY, 2).is_empty());
        lane.land(1);
        assert_eq!(lane.depart(now, POLICY, 2), [2, 3]);
    }

    #[test]
    fn a_full_batch_or_a_slow_flight_lets_the_next_one_leave() {
        let now = Instant::now();
        let mut lane = Lane::new(Kind::Turn);
        for key in 0..5 {
            lane.push(key, 1);
        }
        assert_eq!(lane.depart(now, POLICY, 1), [0, 1, 2]);
        assert!(lane.depart(now, POLICY, 2).is_empty());
        assert_eq!(lane.wake(POLICY), Some(now + POLICY.patience));
        assert_eq!(lane.depart(now + POLICY.patience, POLICY, 2), [3, 4]);
        lane.push(9, 1);
        assert!(
            lane.depart(now + Duration::from_secs(9), POLICY, 3)
                .is_empty(),
            "two at most"
        );
    }

    #[test]
    fn lines_bound_a_batch_and_a_large_saga_still_goes_alone() {
        let now = Instant::now();
        let mut lane = Lane::new(Kind::Run(0));
        lane.push(1, 6);
        lane.push(2, 6);
        lane.push(3, 600);
        assert_eq!(lane.depart(now, POLICY, 1), [1]);
        lane.land(1);
        assert_eq!(lane.depart(now, POLICY, 2), [2]);
        lane.land(2);
        assert_eq!(lane.depart(now, POLICY, 3), [3]);
    }
}
