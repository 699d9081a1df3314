//! What a call answers when it does not succeed: refused (it did nothing) or unknown.
//! The two are different types, so that no code can take an answer that is not known for a refusal.

mod reason;
mod status;
mod wire;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tonic::Code;

pub use holdfast_proto::types::ErrorReason as Reason;
pub use reason::{by_name, code_of, is_definite, name_of};
pub use status::DOMAIN;
pub use wire::UnknownReason;

/// When to come back to a writer whose queue is full: some batches later.
const QUEUE_FULL_RETRY_DELAY: Duration = Duration::from_millis(100);

/// A definite no: the call, or the item of a batch, did nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Why; it fixes the gRPC code.
    #[serde(with = "reason::serde_name")]
    pub reason: Reason,
    /// One sentence for people; never SQL, a path or another customer's data.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// OUT_OF_STOCK: each SKU that is short.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shortages: Vec<Shortage>,
    /// INVALID_ARGUMENT: each field that is wrong; IDEMPOTENCY_KEY_REUSED: each that differs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub field_violations: Vec<FieldViolation>,
    /// The provider's own code, where it was the provider that refused.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub provider_code: String,
    /// How long to wait before the same call may succeed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_delay: Option<Duration>,
    /// The pairs of ErrorInfo.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
}

/// Why one SKU could not be had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shortage {
    /// The SKU that is short.
    pub sku: String,
    /// Units asked for, all lines with this SKU summed.
    pub requested: i64,
    /// Units that were available as it was decided.
    pub available: i64,
    /// The location asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location_id: Option<String>,
    /// The stock row's version as read under the lock; for the record, not for the wire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
}

/// One field of a request that is wrong, or that differs from what its key first came with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldViolation {
    /// The path from the request's root in the wire's names: "lines[3].quantity".
    pub field: String,
    /// One sentence that says what is expected.
    pub description: String,
}

impl Refusal {
    /// Makes a refusal of a reason and a sentence.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            shortages: Vec::new(),
            field_violations: Vec::new(),
            provider_code: String::new(),
            retry_delay: None,
            metadata: BTreeMap::new(),
        }
    }

    /// Makes the INVALID_FIELD refusal of one field.
    pub fn invalid_field(field: impl Into<String>, description: impl Into<String>) -> Self {
        let violation = FieldViolation {
            field: field.into(),
            description: description.into(),
        };
        Self::new(
            Reason::InvalidField,
            "the request has a field that is wrong",
        )
        .with_field_violations(vec![violation])
    }

    /// Makes the IDEMPOTENCY_KEY_REUSED refusal that names the fields that differ.
    pub fn key_reused<F: Into<String>>(fields: impl IntoIterator<Item = F>) -> Self {
        let differing = |field: F| FieldViolation {
            field: field.into(),
            description: "differs from what the key first came with".to_owned(),
        };
        Self::new(
            Reason::IdempotencyKeyReused,
            "the key came before with another body",
        )
        .with_field_violations(fields.into_iter().map(differing).collect())
    }

    /// Makes the OVERLOADED refusal: shed before anything was written.
    pub fn overloaded(retry_delay: Duration) -> Self {
        Self::new(Reason::Overloaded, "the service is working at its limit")
            .with_retry_delay(retry_delay)
    }

    /// Adds a pair of ErrorInfo.metadata.
    #[must_use]
    pub fn with_metadata(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.insert(key.into(), value.into());
        self
    }

    /// Sets the SKUs that are short.
    #[must_use]
    pub fn with_shortages(self, shortages: Vec<Shortage>) -> Self {
        Self { shortages, ..self }
    }

    /// Sets the fields that are wrong or differ.
    #[must_use]
    pub fn with_field_violations(self, field_violations: Vec<FieldViolation>) -> Self {
        Self {
            field_violations,
            ..self
        }
    }

    /// Sets the provider's own code.
    #[must_use]
    pub fn with_provider_code(self, provider_code: impl Into<String>) -> Self {
        Self {
            provider_code: provider_code.into(),
            ..self
        }
    }

    /// Sets how long to wait before the same call may succeed.
    #[must_use]
    pub fn with_retry_delay(self, delay: Duration) -> Self {
        Self {
            retry_delay: Some(delay),
            ..self
        }
    }

    /// Gives the gRPC code that a unary call with this refusal ends with.
    pub fn code(&self) -> Code {
        code_of(self.reason)
    }
}

/// No answer yet: it may have happened, or may still. Never to be taken for a refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// Why it is not known.
    pub reason: Reason,
    /// One sentence for people.
    pub message: String,
    /// How long to wait before asking again; none leaves it to the caller's backoff.
    pub retry_delay: Option<Duration>,
}

impl Unknown {
    /// Makes an unknown outcome of a reason and a sentence.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            retry_delay: None,
        }
    }

    /// Makes the outcome of a defect; the caller logs the cause, which never goes on the wire.
    pub fn internal() -> Self {
        Self::new(
            Reason::Internal,
            "an internal error; the log has it under the trace id",
        )
    }

    /// Makes the outcome of a call whose database could not be reached.
    pub fn database_unavailable() -> Self {
        Self::new(
            Reason::DatabaseUnavailable,
            "the service cannot reach its database",
        )
    }

    /// Makes the outcome of a call that a starting or stopping process cannot take.
    pub fn not_serving() -> Self {
        Self::new(Reason::NotServing, "the process is starting or stopping")
    }

    /// Makes the outcome of a call whose deadline comes before its answer.
    pub fn answer_pending() -> Self {
        Self::new(
            Reason::AnswerPending,
            "the deadline came before the answer; ask again with the same key",
        )
    }

    /// Sets how long to wait before asking again.
    #[must_use]
    pub fn with_retry_delay(self, delay: Duration) -> Self {
        Self {
            retry_delay: Some(delay),
            ..self
        }
    }

    /// Gives the gRPC code that a unary call with this outcome ends with.
    pub fn code(&self) -> Code {
        match code_of(self.reason) {
            code if is_definite(code) => Code::Internal,
            code => code,
        }
    }
}

/// Why a call did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallError {
    /// The call did nothing.
    Refused(Refusal),
    /// The answer is not known.
    Unknown(Unknown),
}

impl From<Refusal> for CallError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Unknown> for CallError {
    fn from(unknown: Unknown) -> Self {
        Self::Unknown(unknown)
    }
}

impl From<saga_batch::WriteError> for CallError {
    /// Full wrote nothing and is shed; every other error leaves open what the database did.
    fn from(error: saga_batch::WriteError) -> Self {
        match error {
            saga_batch::WriteError::Full => Refusal::overloaded(QUEUE_FULL_RETRY_DELAY).into(),
            saga_batch::WriteError::Closed => Unknown::not_serving().into(),
            saga_batch::WriteError::Unavailable => Unknown::database_unavailable().into(),
            saga_batch::WriteError::Rejected {
                sqlstate,
                constraint,
            } => {
                tracing::error!(
                    sqlstate,
                    constraint,
                    "the database refused what no check caught"
                );
                Unknown::internal().into()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use saga_batch::WriteError;

    use super::{CallError, Reason};

    #[test]
    fn only_a_full_queue_is_a_refusal_of_a_writer() {
        let rejected = WriteError::Rejected {
            sqlstate: "23514".to_owned(),
            constraint: Some("c".to_owned()),
        };
        for (error, reason) in [
            (WriteError::Closed, Reason::NotServing),
            (WriteError::Unavailable, Reason::DatabaseUnavailable),
            (rejected, Reason::Internal),
        ] {
            match CallError::from(error) {
                CallError::Unknown(unknown) => assert_eq!(unknown.reason, reason),
                CallError::Refused(refusal) => panic!("{refusal:?}"),
            }
        }
        match CallError::from(WriteError::Full) {
            CallError::Refused(refusal) => {
                assert_eq!(refusal.reason, Reason::Overloaded);
                assert!(refusal.retry_delay.is_some());
            }
            CallError::Unknown(unknown) => panic!("{unknown:?}"),
        }
    }
}
