//! How long to wait before the next attempt: doubled each time up to a cap, with jitter that is a
//! function of the saga and the attempt, so that a run can be repeated exactly.

use std::time::Duration;

/// Capped exponential backoff with deterministic jitter.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    /// The wait after the first failed attempt, before jitter.
    pub first: Duration,
    /// No wait is longer.
    pub cap: Duration,
}

impl Backoff {
    /// The wait after `attempt` failed attempts (from 1), between half and all of the doubled
    /// first wait, and never over the cap.
    #[must_use]
    pub fn after(&self, attempt: u32, seed: u64) -> Duration {
        let doublings = attempt.saturating_sub(1).min(20);
        let full = self.first.saturating_mul(1 << doublings).min(self.cap);
        let jitter = mix(seed ^ u64::from(attempt)) % 1_024;
        full / 2 + full.saturating_mul(u32::try_from(jitter).unwrap_or(0)) / 2_048
    }
}

/// SplitMix64's finalizer (Steele, Lea and Flood 2014): spreads neighbouring seeds.
fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Backoff;

    #[test]
    fn waits_double_up_to_the_cap_and_never_pass_it() {
        let backoff = Backoff {
            first: Duration::from_millis(10),
            cap: Duration::from_millis(1_000),
        };
        for attempt in 1..200 {
            let wait = backoff.after(attempt, 7);
            let full = Duration::from_millis(10 << (attempt - 1).min(7)).min(backoff.cap);
            assert!(
                wait >= full / 2 && wait <= full,
                "attempt {attempt}: {wait:?} of {full:?}"
            );
        }
    }

    #[test]
    fn jitter_is_a_function_of_seed_and_attempt() {
        let backoff = Backoff {
            first: Duration::from_secs(1),
            cap: Duration::from_secs(60),
        };
        assert_eq!(backoff.after(3, 42), backoff.after(3, 42));
        let waits: std::collections::BTreeSet<_> =
            (0..100).map(|seed| backoff.after(3, seed)).collect();
        assert!(waits.len() > 90, "seeds spread: {}", waits.len());
    }
}
