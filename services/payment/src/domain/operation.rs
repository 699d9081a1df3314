//! One thing done, or tried, with a payment. The numbers are the wire's and the columns'; they
//! never change.

use chrono::{DateTime, Utc};
use holdfast_kit::{id::PaymentId, refusal::Refusal};

use super::ProviderKey;

/// What can be done with a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// Sets money aside, or takes it at once.
    Authorize,
    /// Takes money that was set aside.
    Capture,
    /// Sets free what was set aside and not taken.
    Void,
    /// Pays back money that was taken.
    Refund,
    /// Sets free and pays back whatever there is, through a void and a refund of its own.
    Reverse,
}

impl Method {
    /// Gives the number of the wire and of the column.
    pub const fn number(self) -> i16 {
        match self {
            Self::Authorize => 1,
            Self::Capture => 2,
            Self::Void => 3,
            Self::Refund => 4,
            Self::Reverse => 5,
        }
    }

    /// Takes the number back; none for any other.
    pub const fn from_number(number: i16) -> Option<Self> {
        match number {
            1 => Some(Self::Authorize),
            2 => Some(Self::Capture),
            3 => Some(Self::Void),
            4 => Some(Self::Refund),
            5 => Some(Self::Reverse),
            _ => None,
        }
    }

    /// Gives the word that stands in provider keys and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Authorize => "authorize",
            Self::Capture => "capture",
            Self::Void => "void",
            Self::Refund => "refund",
            Self::Reverse => "reverse",
        }
    }
}

/// How far an operation, or a reversal, is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It is stored, which counts as sent, and has no definite answer yet.
    InFlight,
    /// It has its answer and keeps it.
    Done,
}

impl Progress {
    /// Gives the number of the wire and of the column.
    pub const fn number(self) -> i16 {
        match self {
            Self::InFlight => 2,
            Self::Done => 3,
        }
    }

    /// Takes the number back; none for any other.
    pub const fn from_number(number: i16) -> Option<Self> {
        match number {
            2 => Some(Self::InFlight),
            3 => Some(Self::Done),
            _ => None,
        }
    }
}

/// Where a payment stands; the amounts say whether it is there in part or in whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Set aside; nothing taken.
    Authorized,
    /// Taken.
    Captured,
    /// Paid back.
    Refunded,
    /// Set free; nothing was taken.
    Voided,
    /// The provider said no to every authorization so far.
    Declined,
    /// Some operation is in flight.
    Unknown,
    /// Reversed before any intent was stored.
    Tombstoned,
}

impl State {
    /// Gives the number of the wire and of the column.
    pub const fn number(self) -> i16 {
        match self {
            Self::Authorized => 1,
            Self::Captured => 2,
            Self::Refunded => 3,
            Self::Voided => 4,
            Self::Declined => 5,
            Self::Unknown => 6,
            Self::Tombstoned => 7,
        }
    }

    /// Takes the number back; none for any other.
    pub const fn from_number(number: i16) -> Option<Self> {
        match number {
            1 => Some(Self::Authorized),
            2 => Some(Self::Captured),
            3 => Some(Self::Refunded),
            4 => Some(Self::Voided),
            5 => Some(Self::Declined),
            6 => Some(Self::Unknown),
            7 => Some(Self::Tombstoned),
            _ => None,
        }
    }

    /// Gives the word that stands in a refusal's metadata.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Authorized => "AUTHORIZED",
            Self::Captured => "CAPTURED",
            Self::Refunded => "REFUNDED",
            Self::Voided => "VOIDED",
            Self::Declined => "DECLINED",
            Self::Unknown => "UNKNOWN",
            Self::Tombstoned => "TOMBSTONED",
        }
    }
}

/// Which operation: the key that callers know it by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperationId {
    /// The payment.
    pub payment: PaymentId,
    /// What is done with it.
    pub method: Method,
    /// The caller's key; empty where the payment's id is the key.
    pub request_id: String,
}

/// What an authorization asks for beside its amount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The provider's token for how it is paid.
    pub payment_method: String,
    /// Whether the money is taken at once.
    pub auto_capture: bool,
}

/// One thing done, or tried, with a payment.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    /// What.
    pub method: Method,
    /// The caller's key; empty where the payment's id is the key.
    pub request_id: String,
    /// How far it is.
    pub progress: Progress,
    /// What it moves, or would have, in minor units; in flight it is reserved.
    pub amount: i64,
    /// The amount as received, in minor units; none where the caller left it out.
    pub requested: Option<i64>,
    /// An authorization's terms; none otherwise.
    pub terms: Option<Terms>,
    /// Done, and the answer was no.
    pub refusal: Option<Refusal>,
    /// The provider's idempotency key; none for what never goes to the provider itself.
    pub provider_key: Option<ProviderKey>,
    /// The provider's own id of the operation.
    pub provider_reference: Option<String>,
    /// The provider's own last error text; for operators only.
    pub provider_message: Option<String>,
    /// How often the provider was asked and an answer, or its absence, was recorded.
    pub attempts: i32,
    /// When the provider is asked again.
    pub next_time: Option<DateTime<Utc>>,
    /// When it was stored.
    pub create_time: DateTime<Utc>,
    /// When it last changed.
    pub update_time: DateTime<Utc>,
}

impl Operation {
    /// Makes an operation that is stored and not answered.
    pub fn in_flight(method: Method, request_id: &str, amount: i64, now: DateTime<Utc>) -> Self {
        Self {
            method,
            request_id: request_id.to_owned(),
            progress: Progress::InFlight,
            amount,
            requested: None,
            terms: None,
            refusal: None,
            provider_key: None,
            provider_reference: None,
            provider_message: None,
            attempts: 0,
            next_time: None,
            create_time: now,
            update_time: now,
        }
    }

    /// Says whether it still waits for its answer.
    pub fn is_in_flight(&self) -> bool {
        self.progress == Progress::InFlight
    }

    /// Says whether it is done and moved its amount.
    pub fn is_successful(&self) -> bool {
        self.progress == Progress::Done && self.refusal.is_none()
    }
}
