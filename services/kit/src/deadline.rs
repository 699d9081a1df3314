//! The caller's deadline, taken from `grpc-timeout` as the call arrives.
//! A call without time left never reaches its handler; one that runs out of time loses its answer,
//! never its work.

use std::time::Duration;

use http::HeaderMap;
use tokio::time::Instant;

use crate::refusal::{Reason, Refusal, Unknown};

/// The header that carries the time left.
const HEADER: &str = "grpc-timeout";

/// Digits of a grpc-timeout at most, as the gRPC protocol has it.
const DIGITS_MAX: usize = 8;

/// A longer time than this is as good as no deadline.
const TIME_LEFT_MAX: Duration = Duration::from_hours(24 * 365);

/// When the caller stops waiting; the server puts it into the request's extensions.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(pub Instant);

/// Gives the request's deadline; none if the caller set none.
pub fn of<T>(request: &tonic::Request<T>) -> Option<Instant> {
    request
        .extensions()
        .get::<Deadline>()
        .map(|deadline| deadline.0)
}

/// Waits for an answer, at most until the deadline.
///
/// # Errors
/// ANSWER_PENDING if the deadline comes first.
///
/// # Cancellation
/// At the deadline `answer` is dropped, so it must stand for work that goes on elsewhere.
pub async fn wait<T>(
    deadline: Option<Instant>,
    answer: impl Future<Output = T>,
) -> Result<T, Unknown> {
    match deadline {
        None => Ok(answer.await),
        Some(deadline) => tokio::time::timeout_at(deadline, answer)
            .await
            .map_err(|_| Unknown::answer_pending()),
    }
}

/// The answer to a call that arrives with its deadline past.
pub(crate) fn past() -> Unknown {
    Unknown::new(
        Reason::DeadlinePast,
        "the deadline had passed when the call arrived",
    )
}

/// Reads the time left from a call's headers; none if it has no limit.
///
/// # Errors
/// INVALID_FIELD if the header is not a grpc-timeout: a deadline that cannot be read cannot be
/// kept.
pub(crate) fn time_left(headers: &HeaderMap) -> Result<Option<Duration>, Refusal> {
    let Some(value) = headers.get(HEADER) else {
        return Ok(None);
    };
    match parse(value.as_bytes()) {
        Some(left) if left > TIME_LEFT_MAX => Ok(None),
        Some(left) => Ok(Some(left)),
        None => Err(Refusal::invalid_field(
            HEADER,
            "up to 8 digits and one of H, M, S, m, u, n",
        )),
    }
}

fn parse(value: &[u8]) -> Option<Duration> {
    let (unit, digits) = value.split_last()?;
    if digits.is_empty() || digits.len() > DIGITS_MAX || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = digits
        .iter()
        .fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'));
    match unit {
        b'H' => Some(Duration::from_secs(number * 3_600)),
        b'M' => Some(Duration::from_secs(number * 60)),
        b'S' => Some(Duration::from_secs(number)),
        b'm' => Some(Duration::from_millis(number)),
        b'u' => Some(Duration::from_micros(number)),
        b'n' => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{HEADER, parse, time_left, wait};
    use crate::refusal::Reason;
    use http::{HeaderMap, HeaderValue};
    use std::time::Duration;
    use tokio::time::Instant;

    #[test]
    fn every_unit_of_grpc_timeout_is_read() {
        for (text, expected) in [
            ("1H", Duration::from_hours(1)),
            ("2M", Duration::from_mins(2)),
            ("3S", Duration::from_secs(3)),
            ("4m", Duration::from_millis(4)),
            ("5u", Duration::from_micros(5)),
            ("99999999n", Duration::from_nanos(99_999_999)),
            ("0n", Duration::ZERO),
        ] {
            assert_eq!(parse(text.as_bytes()), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_grpc_timeout_is_refused() {
        for text in [
            "",
            "1",
            "S",
            "1s",
            "-1S",
            "1.5S",
            "100000000n",
            " 1S",
            "1S ",
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
        let mut headers = HeaderMap::new();
        assert_eq!(time_left(&headers).unwrap(), None);
        headers.insert(HEADER, HeaderValue::from_static("soon"));
        assert_eq!(
            time_left(&headers).unwrap_err().reason,
            Reason::InvalidField
        );
    }

    #[test]
    fn a_deadline_of_centuries_is_none() {
        let headers = HeaderMap::from_iter([(
            http::HeaderName::from_static(HEADER),
            HeaderValue::from_static("99999999H"),
        )]);
        assert_eq!(time_left(&headers).unwrap(), None);
    }

    #[tokio::test]
    async fn an_answer_after_the_deadline_is_pending() {
        let never = std::future::pending::<()>();
        let error = wait(Some(Instant::now()), never).await.unwrap_err();
        assert_eq!(error.reason, Reason::AnswerPending);
        assert_eq!(wait(None, async { 7 }).await, Ok(7));
        assert_eq!(wait(Some(Instant::now()), async { 7 }).await, Ok(7));
    }
}
