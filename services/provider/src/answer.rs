//! How the provider comes to its answers: a batch is sorted by what its tokens demand, the plain
//! part is one write to the ledger, and only what is scripted takes a detour. Every answer is given
//! from what the ledger has committed.

use std::{sync::Arc, time::Duration};

use holdfast_payment::gateway::{Action, Answer, AnswerSender, Call, Mode, Request, Verdict};
use saga_batch::{WriteError, Writer};
use tokio::sync::Semaphore;

use crate::{
    entry::{Entry, Kind, Recorded, Ruling},
    store::{Attempt, Attempts, FollowUp, FollowUpReply, FollowUps, Ledger},
    token::{TIME_OUT, Token},
};

/// Where calls are answered.
pub(crate) struct Desk {
    pub(crate) ledger: Writer<Ledger>,
    pub(crate) follow_ups: Writer<FollowUps>,
    pub(crate) attempts: Writer<Attempts>,
    pub(crate) hanging: Arc<Semaphore>,
}

/// A call with its place in its batch.
type Placed = (usize, Call);

/// A batch, sorted by what its calls demand.
#[derive(Default)]
struct Sorted {
    plain: Vec<(usize, Token, Call)>,
    scripted: Vec<(usize, Token, Call)>,
    follow_ups: Vec<(usize, FollowUp)>,
}

fn sort(requests: Vec<Request>) -> Sorted {
    let mut sorted = Sorted::default();
    for (index, Request { call, mode }) in requests.into_iter().enumerate() {
        let token = match &call.action {
            Action::Authorize { payment_method, .. } => Some(Token::parse(payment_method)),
            Action::Capture { .. } | Action::Void { .. } | Action::Refund { .. } => None,
        };
        match (mode, token) {
            (Mode::LookUp, _) => sorted.follow_ups.push((index, FollowUp::LookUp(call))),
            (Mode::Send, None) => sorted.follow_ups.push((index, FollowUp::Decide(call))),
            (Mode::Send, Some(token)) => match token {
                Token::Slow(_) | Token::TimeoutThenOk | Token::ErrorThenOk(_) => {
                    sorted.scripted.push((index, token, call));
                }
                Token::Ok
                | Token::Decline
                | Token::InsufficientFunds
                | Token::RequiresAction
                | Token::TimeoutThenNever
                | Token::LostReply
                | Token::RefundErrorThenOk(_)
                | Token::CaptureDecline
                | Token::Invalid => sorted.plain.push((index, token, call)),
            },
        }
    }
    sorted
}

impl Desk {
    /// Answers a batch; what hangs is answered later, through the same sender.
    pub(crate) async fn answer(self: Arc<Self>, requests: Vec<Request>, sender: AnswerSender) {
        let Sorted {
            plain,
            scripted,
            follow_ups,
        } = sort(requests);
        tokio::join!(
            self.authorize(plain, &sender),
            self.rehearse(scripted, &sender),
            self.follow_up(follow_ups, &sender),
        );
    }

    /// Writes authorizations and answers them, except for replies that get lost.
    async fn authorize(&self, calls: Vec<(usize, Token, Call)>, sender: &AnswerSender) {
        if calls.is_empty() {
            return;
        }
        let entries = calls
            .iter()
            .map(|(_, token, call)| entry(*token, call))
            .collect();
        let recorded = self.ledger.submit_all(entries).await;
        let mut group = Vec::with_capacity(calls.len());
        for ((index, token, _), recorded) in calls.into_iter().zip(recorded) {
            match (token, recorded) {
                (Token::LostReply, Ok(Recorded { is_new: true, .. })) => {
                    group.push(silent(index, "connection reset"));
                }
                (Token::TimeoutThenNever, Ok(Recorded { is_new: true, .. })) => {
                    self.hang(index, TIME_OUT, sender.clone());
                }
                (_, recorded) => group.push(answer(index, recorded)),
            }
        }
        sender.send(group);
    }

    /// Goes on with what depends on how often, or since when, a key was tried.
    async fn rehearse(self: &Arc<Self>, calls: Vec<(usize, Token, Call)>, sender: &AnswerSender) {
        if calls.is_empty() {
            return;
        }
        let keys = calls
            .iter()
            .map(|(_, _, call)| call.key.as_str().to_owned())
            .collect();
        let attempts = self.attempts.submit_all(keys).await;
        let (mut now, mut failed) = (Vec::new(), Vec::new());
        for ((index, token, call), attempt) in calls.into_iter().zip(attempts) {
            match attempt.map(|attempt| script(token, attempt)) {
                Ok(Script::Decide) => now.push((index, token, call)),
                Ok(Script::Fail) => failed.push(silent(index, "500 internal error")),
                Ok(Script::DecideAfter(wait)) => {
                    self.decide_later((index, call), token, wait, Some(sender.clone()));
                }
                Ok(Script::TimeOutAndDecide) => {
                    self.hang(index, TIME_OUT, sender.clone());
                    self.decide_later((index, call), token, TIME_OUT, None);
                }
                Err(error) => failed.push(silent(index, &error.to_string())),
            }
        }
        sender.send(failed);
        self.authorize(now, sender).await;
    }

    /// Decides a call after a while, whether or not anybody still listens.
    fn decide_later(
        self: &Arc<Self>,
        (index, call): Placed,
        token: Token,
        wait: Duration,
        sender: Option<AnswerSender>,
    ) {
        let Ok(permit) = Arc::clone(&self.hanging).try_acquire_owned() else {
            if let Some(sender) = sender {
                sender.send(vec![silent(index, "429 too many requests")]);
            }
            return;
        };
        let desk = Arc::clone(self);
        tokio::spawn(async move {
            tokio::time::sleep(wait).await;
            drop(permit);
            let recorded = desk.ledger.submit(entry(token, &call)).await;
            if let Some(sender) = sender {
                sender.send(vec![answer(index, recorded)]);
            }
        });
    }

    /// Lets a call hang until its caller's client would give it up.
    fn hang(&self, index: usize, wait: Duration, sender: AnswerSender) {
        let Ok(permit) = Arc::clone(&self.hanging).try_acquire_owned() else {
            sender.send(vec![silent(index, "429 too many requests")]);
            return;
        };
        tokio::spawn(async move {
            tokio::time::sleep(wait).await;
            drop(permit);
            sender.send(vec![silent(index, "timed out")]);
        });
    }

    async fn follow_up(&self, calls: Vec<(usize, FollowUp)>, sender: &AnswerSender) {
        if calls.is_empty() {
            return;
        }
        let items = calls.iter().map(|(_, item)| item.clone()).collect();
        let replies = self.follow_ups.submit_all(items).await;
        let mut group = Vec::with_capacity(calls.len());
        let mut failing = Vec::new();
        for ((index, item), reply) in calls.into_iter().zip(replies) {
            match (reply, item) {
                (Ok(FollowUpReply::FailFirst(failures)), FollowUp::Decide(call)) => {
                    failing.push((index, failures, call));
                }
                (reply, _) => group.push(followed(index, reply)),
            }
        }
        sender.send(group);
        self.fail_first(failing, sender).await;
    }

    /// Fails refunds as often as their payment's token says, then does them.
    async fn fail_first(&self, calls: Vec<(usize, u32, Call)>, sender: &AnswerSender) {
        if calls.is_empty() {
            return;
        }
        let keys = calls
            .iter()
            .map(|(_, _, call)| call.key.as_str().to_owned())
            .collect();
        let attempts = self.attempts.submit_all(keys).await;
        let (mut through, mut group) = (Vec::new(), Vec::new());
        for ((index, failures, call), attempt) in calls.into_iter().zip(attempts) {
            match attempt {
                Ok(attempt) if attempt.number > failures => through.push((index, call)),
                Ok(_) => group.push(silent(index, "500 internal error")),
                Err(error) => group.push(silent(index, &error.to_string())),
            }
        }
        let items = through
            .iter()
            .map(|(_, call)| FollowUp::DecideNow(call.clone()))
            .collect();
        let replies = self.follow_ups.submit_all(items).await;
        let decided = through.into_iter().zip(replies);
        group.extend(decided.map(|((index, _), reply)| followed(index, reply)));
        sender.send(group);
    }
}

/// What a scripted token does on an attempt.
#[derive(Debug, PartialEq, Eq)]
enum Script {
    Decide,
    DecideAfter(Duration),
    TimeOutAndDecide,
    Fail,
}

fn script(token: Token, attempt: Attempt) -> Script {
    match token {
        Token::Slow(slow) => {
            let since = (attempt.time - attempt.first_time)
                .to_std()
                .unwrap_or_default();
            match slow.checked_sub(since) {
                Some(wait) if !wait.is_zero() => Script::DecideAfter(wait),
                _ => Script::Decide,
            }
        }
        Token::TimeoutThenOk if attempt.number == 1 => Script::TimeOutAndDecide,
        Token::ErrorThenOk(failures) if attempt.number <= failures => Script::Fail,
        _ => Script::Decide,
    }
}

fn entry(token: Token, call: &Call) -> Entry {
    Entry::new(
        call,
        Ruling::of_authorization(token, Kind::of(&call.action)),
    )
}

fn silent(index: usize, message: &str) -> Answer {
    Answer {
        index,
        verdict: Verdict::Silent {
            message: message.to_owned(),
        },
    }
}

fn answer(index: usize, recorded: Result<Recorded, WriteError>) -> Answer {
    match recorded {
        Ok(recorded) => Answer {
            index,
            verdict: Verdict::Decided(recorded.decision()),
        },
        Err(error) => silent(index, &format!("503 {error}")),
    }
}

fn followed(index: usize, reply: Result<FollowUpReply, WriteError>) -> Answer {
    match reply {
        Ok(FollowUpReply::Recorded(recorded)) => answer(index, Ok(recorded)),
        Ok(FollowUpReply::FailFirst(_)) => silent(index, "500 internal error"),
        Ok(FollowUpReply::NoTrace) => silent(index, "no trace of the key"),
        Err(error) => answer(index, Err(error)),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::{DateTime, TimeDelta};

    use super::{Attempt, Script, Token, script};

    fn attempt(number: u32, after_ms: i64) -> Attempt {
        let first_time = DateTime::UNIX_EPOCH;
        Attempt {
            number,
            first_time,
            time: first_time + TimeDelta::milliseconds(after_ms),
        }
    }

    #[test]
    fn a_slow_token_waits_from_its_first_attempt_on() {
        let slow = Token::Slow(Duration::from_secs(5));
        let rest = Script::DecideAfter(Duration::from_secs(2));
        assert_eq!(script(slow, attempt(4, 3_000)), rest);
        assert_eq!(script(slow, attempt(1, 5_000)), Script::Decide);
    }

    #[test]
    fn an_error_token_fails_as_often_as_it_says() {
        let failing = Token::ErrorThenOk(2);
        let scripts: Vec<_> = (1..=3)
            .map(|number| script(failing, attempt(number, 0)))
            .collect();
        assert_eq!(scripts, [Script::Fail, Script::Fail, Script::Decide]);
    }

    #[test]
    fn a_time_out_happens_once() {
        assert_eq!(
            script(Token::TimeoutThenOk, attempt(1, 0)),
            Script::TimeOutAndDecide
        );
        assert_eq!(script(Token::TimeoutThenOk, attempt(2, 1)), Script::Decide);
    }
}
