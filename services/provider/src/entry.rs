//! The ledger's entries: what the provider has decided, once per key. Nothing changes an entry.

use holdfast_payment::gateway::{Action, Call, Decision, Decline, DeclineKind};
use uuid::Uuid;

use crate::token::Token;

/// The code of a decline that asks for the customer's authentication.
const AUTHENTICATION_REQUIRED: &str = "authentication_required";

/// What an entry did, or would have done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Authorize,
    Charge,
    Capture,
    Void,
    Refund,
}

impl Kind {
    pub(crate) const fn of(action: &Action) -> Self {
        match action {
            Action::Authorize {
                auto_capture: false,
                ..
            } => Self::Authorize,
            Action::Authorize {
                auto_capture: true, ..
            } => Self::Charge,
            Action::Capture { .. } => Self::Capture,
            Action::Void { .. } => Self::Void,
            Action::Refund { .. } => Self::Refund,
        }
    }

    pub(crate) const fn number(self) -> i16 {
        match self {
            Self::Authorize => 1,
            Self::Charge => 2,
            Self::Capture => 3,
            Self::Void => 4,
            Self::Refund => 5,
        }
    }
}

/// What the provider decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ruling {
    Succeeded,
    Declined(String),
}

impl Ruling {
    pub(crate) fn declined(code: &str) -> Self {
        Self::Declined(code.to_owned())
    }

    pub(crate) const fn number(&self) -> i16 {
        match self {
            Self::Succeeded => 1,
            Self::Declined(_) => 2,
        }
    }

    pub(crate) fn code(&self) -> Option<&str> {
        match self {
            Self::Succeeded => None,
            Self::Declined(code) => Some(code),
        }
    }

    /// What the token decides about an authorization or a charge, when it decides.
    pub(crate) fn of_authorization(token: Token, kind: Kind) -> Self {
        match token {
            Token::Decline => Self::declined("card_declined"),
            Token::InsufficientFunds => Self::declined("insufficient_funds"),
            Token::RequiresAction => Self::declined(AUTHENTICATION_REQUIRED),
            Token::TimeoutThenNever => Self::declined("not_processed"),
            Token::Invalid => Self::declined("invalid_payment_method"),
            Token::CaptureDecline if kind == Kind::Charge => Self::declined("capture_declined"),
            Token::Ok
            | Token::CaptureDecline
            | Token::Slow(_)
            | Token::TimeoutThenOk
            | Token::LostReply
            | Token::ErrorThenOk(_)
            | Token::RefundErrorThenOk(_) => Self::Succeeded,
        }
    }
}

/// One row of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) provider_key: String,
    pub(crate) provider_id: Uuid,
    pub(crate) payment_reference: Uuid,
    pub(crate) kind: Kind,
    pub(crate) ruling: Ruling,
    pub(crate) amount_minor_units: i64,
    pub(crate) currency_code: &'static str,
    pub(crate) payment_method: Option<String>,
}

impl Entry {
    /// Makes the entry of a call with its ruling.
    pub(crate) fn new(call: &Call, ruling: Ruling) -> Self {
        let payment_method = match &call.action {
            Action::Authorize { payment_method, .. } => Some(payment_method.clone()),
            Action::Capture { .. } | Action::Void { .. } | Action::Refund { .. } => None,
        };
        Self {
            provider_key: call.key.as_str().to_owned(),
            provider_id: Uuid::now_v7(),
            payment_reference: call.payment_id.as_uuid(),
            kind: Kind::of(&call.action),
            ruling,
            amount_minor_units: call.amount.minor_units,
            currency_code: call.amount.currency.as_str(),
            payment_method,
        }
    }

    /// What whoever wrote it is told.
    pub(crate) fn recorded(&self) -> Recorded {
        Recorded {
            provider_id: self.provider_id,
            ruling: self.ruling.clone(),
            is_new: true,
        }
    }
}

/// What the ledger has under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Recorded {
    /// The provider's own id of it.
    pub(crate) provider_id: Uuid,
    /// What was decided.
    pub(crate) ruling: Ruling,
    /// Whether this call decided it.
    pub(crate) is_new: bool,
}

impl Recorded {
    /// What whoever comes later is told.
    pub(crate) fn repeated(&self) -> Self {
        Self {
            is_new: false,
            ..self.clone()
        }
    }

    /// Gives the answer of the port.
    pub(crate) fn decision(&self) -> Decision {
        match &self.ruling {
            Ruling::Succeeded => Decision::Succeeded {
                reference: self.provider_id.to_string(),
            },
            Ruling::Declined(code) => Decision::Declined(Decline {
                kind: if code == AUTHENTICATION_REQUIRED {
                    DeclineKind::AuthenticationRequired
                } else {
                    DeclineKind::Declined
                },
                code: code.clone(),
                message: format!("simulated: {code}"),
            }),
        }
    }
}
