//! The port to a payment provider. It takes calls by the batch, so that an adapter may make one
//! transaction of them, and gives answers in groups as they come, so that a slow call holds nobody.
//! Silence is an answer of its own: an adapter never says "declined" because it heard nothing.

use std::time::Duration;

use tokio::sync::mpsc;

pub use crate::domain::{
    Action, Call, Captures, Decision, Decline, DeclineKind, Provider, ProviderKey,
};

/// A payment provider.
///
/// An adapter does at most one thing per key, whoever asks and however often, and leaves a call's
/// effect to the provider alone: dropping [`Answers`] stops no call.
pub trait Gateway: Send + Sync + 'static {
    /// Says which provider this is.
    fn provider(&self) -> Provider;

    /// Says what the provider can do.
    fn capability(&self) -> Capability;

    /// Asks for each request and gives the answers as they come. It does not wait, and must be
    /// called within a tokio runtime. A request whose answer never comes counts as unanswered once
    /// the other end of the channel is dropped, so an adapter bounds how long it waits.
    fn ask(&self, requests: Vec<Request>) -> Answers;
}

/// What a provider can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capability {
    /// Whether one authorization can be captured in several parts.
    pub captures: Captures,
    /// How long the provider recognizes a key. A call under an older one is looked up, never sent.
    pub keys_kept: Duration,
}

/// One call of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What is asked.
    pub call: Call,
    /// How.
    pub mode: Mode,
}

/// How the provider is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Do it, or say what came of it when the key came first.
    Send,
    /// Only say what came of it. `Declined` if the provider knows that it was not done and will
    /// not be; unanswered if it has merely no trace of it.
    LookUp,
}

/// What came of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The place of the request in its batch.
    pub index: usize,
    /// What the provider said.
    pub verdict: Verdict,
}

/// What the provider said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A definite answer.
    Decided(Decision),
    /// None: a time-out, a broken connection, a fault of the provider. It may have been done.
    Silent {
        /// The cause; for operators only.
        message: String,
    },
}

/// The answers to one batch, in groups, in any order, one per request at most.
#[derive(Debug)]
pub struct Answers(mpsc::UnboundedReceiver<Vec<Answer>>);

/// The adapter's end of [`Answers`]; clones share it, and the last one dropped ends the batch.
#[derive(Clone, Debug)]
pub struct AnswerSender(mpsc::UnboundedSender<Vec<Answer>>);

/// Makes the two ends. The channel holds at most one answer per request of its batch.
pub fn answers() -> (AnswerSender, Answers) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (AnswerSender(sender), Answers(receiver))
}

impl AnswerSender {
    /// Hands over a group of answers. Nobody may be left to hear them; the provider's record has
    /// them all the same.
    pub fn send(&self, group: Vec<Answer>) {
        if !group.is_empty() && self.0.send(group).is_err() {
            tracing::debug!("a provider's answer came after its caller had left");
        }
    }
}

impl Answers {
    /// Waits for the next group; none once every answer has come or can no longer come.
    ///
    /// # Cancellation
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Vec<Answer>> {
        let mut group = self.0.recv().await?;
        while let Ok(more) = self.0.try_recv() {
            group.extend(more);
        }
        Some(group)
    }
}
