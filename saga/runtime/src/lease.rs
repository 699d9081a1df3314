//! Leases that cost nothing on the happy path: one beat row per runner with a counter. A peer is
//! taken for dead when its counter has stood still for the lease time of the observer's own
//! monotonic clock, while the observer's own beats succeeded, so that a Postgres that was away makes
//! nobody look dead.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use crate::{Beat, RunnerId};

/// How long a runner may be silent.
#[derive(Clone, Copy, Debug)]
pub struct LeaseSettings {
    /// A counter that stands still for so long is a dead runner's.
    pub lease: Duration,
    /// Between beats; several fit in a lease.
    pub beat_every: Duration,
}

impl Default for LeaseSettings {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(3),
            beat_every: Duration::from_millis(500),
        }
    }
}

/// When this process last showed a sign of life; clones share it.
#[derive(Clone, Debug)]
pub struct Lease {
    settings: LeaseSettings,
    base: Instant,
    /// Milliseconds after `base` at which the last beat that succeeded was sent, plus 1; 0: none.
    last: Arc<AtomicU64>,
}

impl Lease {
    /// A lease that is not live before its first beat.
    #[must_use]
    pub fn new(settings: LeaseSettings) -> Self {
        Self {
            settings,
            base: Instant::now(),
            last: Arc::default(),
        }
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> LeaseSettings {
        self.settings
    }

    /// Whether a forward step may be started: the last beat is younger than half the lease, so that
    /// no peer can have taken this runner for dead.
    #[must_use]
    pub fn is_live(&self, now: Instant) -> bool {
        let Some(last) = self.last.load(Ordering::Acquire).checked_sub(1) else {
            return false;
        };
        let sent = self.base + Duration::from_millis(last);
        now.saturating_duration_since(sent) < self.settings.lease / 2
    }

    /// A beat that was sent at `sent` has succeeded.
    pub(crate) fn beaten(&self, sent: Instant) {
        let millis = sent.saturating_duration_since(self.base).as_millis();
        self.last.store(
            u64::try_from(millis).unwrap_or(u64::MAX - 1) + 1,
            Ordering::Release,
        );
    }
}

/// What this process has seen of its peers' counters.
#[derive(Debug, Default)]
pub(crate) struct Peers {
    seen: HashMap<RunnerId, (i64, Instant)>,
}

impl Peers {
    /// Takes up the beat rows as read at `now` by a runner whose own lease `is_live`, and gives who
    /// is dead.
    pub(crate) fn observe(
        &mut self,
        own: RunnerId,
        beats: &[Beat],
        own_is_live: bool,
        now: Instant,
        lease: Duration,
    ) -> Vec<RunnerId> {
        if !own_is_live {
            // What was not seen to move may have been unable to: every clock starts again.
            self.seen.clear();
        }
        self.seen
            .retain(|runner, _| beats.iter().any(|beat| beat.runner == *runner));
        let mut dead = Vec::new();
        for beat in beats.iter().filter(|beat| beat.runner != own) {
            let (count, since) = self.seen.entry(beat.runner).or_insert((beat.count, now));
            if *count != beat.count {
                (*count, *since) = (beat.count, now);
            }
            if own_is_live && now.saturating_duration_since(*since) >= lease {
                dead.push(beat.runner);
            }
        }
        dead
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use uuid::Uuid;

    use super::{Beat, Lease, LeaseSettings, Peers, RunnerId};

    const LEASE: Duration = Duration::from_secs(3);
    const OWN: RunnerId = RunnerId(Uuid::from_u128(1));
    const PEER: RunnerId = RunnerId(Uuid::from_u128(2));

    fn beat(count: i64) -> [Beat; 1] {
        [Beat {
            runner: PEER,
            count,
        }]
    }

    #[test]
    fn a_counter_that_stands_still_for_the_lease_is_a_dead_runners() {
        let (mut peers, start) = (Peers::default(), Instant::now());
        assert!(peers.observe(OWN, &beat(7), true, start, LEASE).is_empty());
        assert!(
            peers
                .observe(OWN, &beat(8), true, start + LEASE, LEASE)
                .is_empty(),
            "it moved"
        );
        assert!(
            peers
                .observe(OWN, &beat(8), true, start + LEASE * 2 - LEASE / 9, LEASE)
                .is_empty()
        );
        assert_eq!(
            peers.observe(OWN, &beat(8), true, start + LEASE * 2, LEASE),
            [PEER]
        );
    }

    #[test]
    fn nobody_looks_dead_to_a_runner_that_could_not_beat_itself() {
        let (mut peers, start) = (Peers::default(), Instant::now());
        peers.observe(OWN, &beat(7), true, start, LEASE);
        assert!(
            peers
                .observe(OWN, &beat(7), false, start + LEASE * 2, LEASE)
                .is_empty()
        );
        assert!(
            peers
                .observe(OWN, &beat(7), true, start + LEASE * 2, LEASE)
                .is_empty()
        );
        assert_eq!(
            peers.observe(OWN, &beat(7), true, start + LEASE * 3, LEASE),
            [PEER]
        );
    }

    #[test]
    fn a_runner_never_buries_itself() {
        let (mut peers, start) = (Peers::default(), Instant::now());
        let own = [Beat {
            runner: OWN,
            count: 1,
        }];
        peers.observe(OWN, &own, true, start, LEASE);
        assert!(
            peers
                .observe(OWN, &own, true, start + LEASE * 9, LEASE)
                .is_empty()
        );
    }

    #[test]
    fn a_lease_is_live_for_half_its_time_after_a_beat() {
        let lease = Lease::new(LeaseSettings {
            lease: LEASE,
            ..LeaseSettings::default()
        });
        let now = Instant::now();
        assert!(!lease.is_live(now), "not before the first beat");
        lease.beaten(now);
        assert!(lease.is_live(now + LEASE / 3));
        assert!(!lease.is_live(now + LEASE / 2 + Duration::from_millis(1)));
    }
}
