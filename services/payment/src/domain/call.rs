//! What a provider is asked, and what it can say: the vocabulary that the gateway port shares with
//! the state machine. Silence is not among the decisions, so that it never decides anything.

use holdfast_kit::{id::PaymentId, money::Money};

use super::ProviderKey;

/// Which provider a payment is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    /// The simulated provider.
    Simulated,
}

impl Provider {
    /// Gives the number of the column.
    pub const fn number(self) -> i16 {
        match self {
            Self::Simulated => 1,
        }
    }

    /// Takes the number back; none for any other.
    pub const fn from_number(number: i16) -> Option<Self> {
        match number {
            1 => Some(Self::Simulated),
            _ => None,
        }
    }

    /// Gives the name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Simulated => "simulated",
        }
    }
}

/// Whether a provider can capture one authorization in several parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Captures {
    /// One capture; what it leaves is set free by the provider.
    Once,
    /// As many as there is money left for.
    Several,
}

/// One operation, as the provider is asked for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The key under which the provider does it at most once.
    pub key: ProviderKey,
    /// The payment, for the provider's metadata.
    pub payment_id: PaymentId,
    /// How much.
    pub amount: Money,
    /// What.
    pub action: Action,
}

/// What the provider is asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Sets money aside or, with `auto_capture`, takes it.
    Authorize {
        /// The provider's token for how it is paid.
        payment_method: String,
        /// Takes the money at once.
        auto_capture: bool,
    },
    /// Takes money that was set aside.
    Capture {
        /// The provider's own id of the authorization.
        reference: String,
    },
    /// Sets free what was set aside.
    Void {
        /// The provider's own id of the authorization.
        reference: String,
    },
    /// Pays back money that was taken.
    Refund {
        /// The provider's own id of the authorization.
        reference: String,
    },
}

impl Action {
    /// Gives the word that stands in metrics.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Authorize {
                auto_capture: false,
                ..
            } => "authorize",
            Self::Authorize {
                auto_capture: true, ..
            } => "charge",
            Self::Capture { .. } => "capture",
            Self::Void { .. } => "void",
            Self::Refund { .. } => "refund",
        }
    }
}

/// A provider's definite answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is done.
    Succeeded {
        /// The provider's own id of what it did.
        reference: String,
    },
    /// It has not been done and will not be under this key.
    Declined(Decline),
}

/// A provider's definite no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decline {
    /// What kind of no.
    pub kind: DeclineKind,
    /// The provider's code, such as "insufficient_funds".
    pub code: String,
    /// The provider's own text; for operators only.
    pub message: String,
}

/// What kind of no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeclineKind {
    /// It was declined, or is known not to have happened.
    Declined,
    /// The bank wants the customer to authenticate first.
    AuthenticationRequired,
}
