//! Times and durations between the wire and the domain.
//! A wire value that cannot be represented gives none; nothing is clamped or wrapped.

use std::time::Duration;

use chrono::{DateTime, Utc};

const NANOS_PER_SECOND: u32 = 1_000_000_000;

/// Gives a time as the wire has it, to the nanosecond.
pub fn to_wire(time: DateTime<Utc>) -> prost_types::Timestamp {
    // A leap second is the only time whose nanoseconds pass a second; it shows as the last instant
    // before it.
    let nanos = time.timestamp_subsec_nanos().min(NANOS_PER_SECOND - 1);
    prost_types::Timestamp {
        seconds: time.timestamp(),
        nanos: nanos.cast_signed(),
    }
}

/// Takes a time from the wire; none if its nanoseconds or its year are out of range.
pub fn from_wire(time: &prost_types::Timestamp) -> Option<DateTime<Utc>> {
    let nanos = u32::try_from(time.nanos)
        .ok()
        .filter(|nanos| *nanos < NANOS_PER_SECOND)?;
    DateTime::from_timestamp(time.seconds, nanos)
}

/// Gives a duration as the wire has it.
pub fn duration_to_wire(duration: Duration) -> prost_types::Duration {
    prost_types::Duration {
        seconds: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        nanos: duration.subsec_nanos().cast_signed(),
    }
}

/// Takes a duration from the wire; none if it is negative or its nanoseconds are out of range.
pub fn duration_from_wire(duration: &prost_types::Duration) -> Option<Duration> {
    let seconds = u64::try_from(duration.seconds).ok()?;
    let nanos = u32::try_from(duration.nanos)
        .ok()
        .filter(|nanos| *nanos < NANOS_PER_SECOND)?;
    Some(Duration::new(seconds, nanos))
}

#[cfg(test)]
mod tests {
    use super::{duration_from_wire, duration_to_wire, from_wire, to_wire};
    use chrono::{DateTime, Utc};
    use std::time::Duration;

    #[test]
    fn times_survive_the_wire() {
        for text in [
            "1969-12-31T23:59:59.5Z",
            "2026-02-28T12:00:00.123456Z",
            "9999-12-31T23:59:59Z",
        ] {
            let time: DateTime<Utc> = text.parse().unwrap();
            assert_eq!(from_wire(&to_wire(time)), Some(time));
        }
    }

    #[test]
    fn what_is_no_time_or_duration_is_none() {
        for (seconds, nanos) in [(0, -1), (0, 1_000_000_000), (i64::MAX, 0), (i64::MIN, 0)] {
            assert_eq!(from_wire(&prost_types::Timestamp { seconds, nanos }), None);
        }
        for (seconds, nanos) in [(-1, 0), (0, -1), (1, -1), (0, 1_000_000_000)] {
            assert_eq!(
                duration_from_wire(&prost_types::Duration { seconds, nanos }),
                None
            );
        }
    }

    #[test]
    fn durations_survive_the_wire() {
        for duration in [
            Duration::ZERO,
            Duration::from_millis(1_500),
            Duration::from_hours(24),
        ] {
            assert_eq!(
                duration_from_wire(&duration_to_wire(duration)),
                Some(duration)
            );
        }
    }
}
