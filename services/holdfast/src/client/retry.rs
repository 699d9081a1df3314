//! The retry rule of the public contract, on the caller's side.
//!
//! The rule: shed calls come back no sooner than they were told to, unknown answers are asked for
//! again with a growing pause, and every other refusal is final.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

use holdfast_kit::refusal::CallError;
use tokio::time::Instant;
use tonic::{Code, Response, Status};

/// The pause after the first unknown answer.
const PAUSE_FIRST: Duration = Duration::from_millis(20);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(2);
/// How often the pause doubles before it has reached the longest.
const DOUBLINGS_MAX: u32 = 7;

/// The pauses of one call: doubling, with jitter that is a function of the seed and the attempt.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    seed: u64,
    attempt: u32,
}

impl Backoff {
    /// Starts with the first pause.
    pub fn new(seed: u64) -> Self {
        Self { seed, attempt: 0 }
    }

    /// The next pause: between half of the full one and the whole of it.
    pub fn pause(&mut self) -> Duration {
        let full = PAUSE_MAX.min(PAUSE_FIRST * 2_u32.pow(self.attempt.min(DOUBLINGS_MAX)));
        let mut hasher = DefaultHasher::new();
        (self.seed, self.attempt).hash(&mut hasher);
        let [share, ..] = hasher.finish().to_le_bytes();
        self.attempt = self.attempt.saturating_add(1);
        full / 2 + full / 2 * u32::from(share) / 256
    }
}

/// Gives the seed of a call's backoff from its key.
pub fn seed_of(key: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

/// Tells how long to wait before the same call is made again; none if its answer is final.
pub fn again_after(error: &CallError, backoff: &mut Backoff) -> Option<Duration> {
    let told = match error {
        CallError::Refused(refusal) if refusal.code() == Code::ResourceExhausted => {
            refusal.retry_delay
        }
        CallError::Refused(_) => return None,
        CallError::Unknown(unknown) => unknown.retry_delay,
    };
    // All that were told the same come back a little apart.
    let pause = backoff.pause();
    Some(told.map_or(pause, |told| told + pause.min(told / 2)))
}

/// Makes a call until its answer is known, for as long as patience lasts.
///
/// `call` has to send the same key and body each time.
///
/// # Errors
/// The refusal; or, when patience has ended, whatever the last answer was.
///
/// # Cancellation
/// Dropping it leaves the last call's outcome unknown.
pub async fn until_known<T, F, Fut>(
    seed: u64,
    patience: Duration,
    mut call: F,
) -> Result<T, CallError>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<Response<T>, Status>>,
{
    let deadline = Instant::now() + patience;
    let mut backoff = Backoff::new(seed);
    loop {
        let error = match call().await {
            Ok(response) => return Ok(response.into_inner()),
            Err(status) => CallError::from(&status),
        };
        let Some(pause) = again_after(&error, &mut backoff) else {
            return Err(error);
        };
        let again = Instant::now() + pause;
        if again >= deadline {
            return Err(error);
        }
        tokio::time::sleep_until(again).await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use holdfast_kit::refusal::{CallError, Reason, Refusal, Unknown};
    use tonic::{Code, Response, Status};

    use super::{Backoff, PAUSE_MAX, again_after, until_known};

    const PATIENCE: Duration = Duration::from_secs(60);

    /// Answers as told, one call after the other, and counts the calls.
    async fn ask(answers: Vec<Result<u8, Status>>) -> (Result<u8, CallError>, usize) {
        let mut calls = 0;
        let mut answers = answers.into_iter();
        let last = until_known(1, PATIENCE, || {
            calls += 1;
            let answer = answers
                .next()
                .unwrap_or_else(|| Err(Status::unavailable("gone")));
            async move { answer.map(Response::new) }
        });
        (last.await, calls)
    }

    #[tokio::test(start_paused = true)]
    async fn unknown_and_shed_answers_are_asked_for_again_until_one_is_known() {
        let shed = Refusal::overloaded(Duration::from_millis(500)).into();
        let bare = Status::new(Code::FailedPrecondition, "a proxy, without ErrorInfo");
        let unknown = Unknown::database_unavailable().into();
        let (last, calls) = ask(vec![Err(bare), Err(shed), Err(unknown), Ok(7)]).await;
        assert_eq!((last, calls), (Ok(7), 4));
    }

    #[tokio::test(start_paused = true)]
    async fn a_definite_refusal_ends_the_call_at_once() {
        let refusal = Refusal::new(Reason::IdempotencyKeyReused, "another body");
        let (last, calls) = ask(vec![Err(refusal.clone().into()), Ok(7)]).await;
        assert_eq!((last, calls), (Err(refusal.into()), 1));
    }

    #[tokio::test(start_paused = true)]
    async fn patience_ends_with_the_answer_still_unknown() {
        let (last, calls) = ask(Vec::new()).await;
        assert!(matches!(last, Err(CallError::Unknown(_))), "{last:?}");
        assert!((30..200).contains(&calls), "{calls}");
    }

    #[test]
    fn nobody_comes_back_before_the_time_that_was_told() {
        let told = Duration::from_millis(500);
        for seed in 0..100 {
            let mut backoff = Backoff::new(seed);
            let again = again_after(&Refusal::overloaded(told).into(), &mut backoff).unwrap();
            assert!((told..=told * 3 / 2).contains(&again), "{again:?}");
        }
    }

    #[test]
    fn pauses_grow_differ_by_seed_and_have_a_limit() {
        let pauses = |seed| {
            let mut backoff = Backoff::new(seed);
            (0..40).map(|_| backoff.pause()).collect::<Vec<_>>()
        };
        let (one, other) = (pauses(1), pauses(2));
        assert_ne!(one, other);
        assert_eq!(one, pauses(1));
        assert!(one[0] < Duration::from_millis(21));
        assert!(one.iter().all(|pause| *pause <= PAUSE_MAX));
        assert!(one[39] >= PAUSE_MAX / 2);
    }
}
