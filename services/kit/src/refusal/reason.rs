//! The closed set of reasons and the gRPC code of each.
//! The match has no wildcard arm, so a new reason does not compile until it has its code.

use holdfast_proto::types::ErrorReason as Reason;
use tonic::Code;

/// What every name of the enum starts with, and what no name outside the enum carries.
const PREFIX: &str = "ERROR_REASON_";

/// Gives the one gRPC code that a unary call with this reason ends with.
///
/// What is never a gRPC error (no reason, or a rejection alone) is INTERNAL: a call that ends with
/// it has a defect, and leaves its answer open.
pub fn code_of(reason: Reason) -> Code {
    match reason {
        Reason::InvalidField
        | Reason::PanRefused
        | Reason::CurrencyMismatch
        | Reason::AmountOutOfRange
        | Reason::PageTokenInvalid => Code::InvalidArgument,
        Reason::OrderNotFound | Reason::UnknownSku | Reason::PaymentNotFound => Code::NotFound,
        Reason::IdempotencyKeyReused
        | Reason::OutOfStock
        | Reason::BelowReserved
        | Reason::ReservationTombstoned
        | Reason::ReservationReleased
        | Reason::PaymentDeclined
        | Reason::AuthenticationRequired
        | Reason::CaptureDeclined
        | Reason::ProviderRefused
        | Reason::PaymentTombstoned
        | Reason::PaymentReversed
        | Reason::PaymentStateConflict
        | Reason::CaptureExceedsAuthorized
        | Reason::RefundExceedsCaptured
        | Reason::KeyTooOld => Code::FailedPrecondition,
        Reason::VersionMismatch => Code::Aborted,
        Reason::Overloaded | Reason::BacklogFull => Code::ResourceExhausted,
        Reason::NotServing
        | Reason::DatabaseUnavailable
        | Reason::ParticipantUnavailable
        | Reason::ProviderUnavailable
        | Reason::ProviderOutcomeUnknown
        | Reason::InFlight => Code::Unavailable,
        Reason::DeadlinePast | Reason::AnswerPending => Code::DeadlineExceeded,
        Reason::Internal | Reason::TimedOut | Reason::Cancelled | Reason::Unspecified => {
            Code::Internal
        }
    }
}

/// Says whether a status of this code, with Holdfast's ErrorInfo, means that the call did nothing.
pub fn is_definite(code: Code) -> bool {
    matches!(
        code,
        Code::InvalidArgument
            | Code::Unauthenticated
            | Code::PermissionDenied
            | Code::FailedPrecondition
            | Code::NotFound
            | Code::OutOfRange
            | Code::Aborted
            | Code::ResourceExhausted
    )
}

/// Gives the reason's name as it stands in ErrorInfo, in logs and in columns: "OUT_OF_STOCK".
pub fn name_of(reason: Reason) -> &'static str {
    let name = reason.as_str_name();
    name.strip_prefix(PREFIX).unwrap_or(name)
}

/// Finds the reason with this name; none if this build does not know it.
pub fn by_name(name: &str) -> Option<Reason> {
    Reason::from_str_name(&format!("{PREFIX}{name}"))
}

/// The serde form of a reason: its name.
pub(crate) mod serde_name {
    use holdfast_proto::types::ErrorReason as Reason;
    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::Serializer;

    pub(crate) fn serialize<S: Serializer>(reason: &Reason, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(super::name_of(*reason))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Reason, D::Error> {
        let name = std::borrow::Cow::<'de, str>::deserialize(from)?;
        super::by_name(&name).ok_or_else(|| D::Error::custom(format!("unknown reason {name}")))
    }
}

#[cfg(test)]
mod tests {
    use super::{Reason, by_name, code_of, is_definite, name_of};
    use tonic::Code;

    /// The numbers that the enum leaves free between its groups end far below this.
    const NUMBERS_MAX: i32 = 1_000;

    fn all() -> impl Iterator<Item = Reason> {
        (0..NUMBERS_MAX).filter_map(|number| Reason::try_from(number).ok())
    }

    #[test]
    fn every_reason_has_the_code_of_its_block_of_numbers() {
        for reason in all() {
            let expected = match reason as i32 {
                1..20 => Code::InvalidArgument,
                20..30 => Code::NotFound,
                30..60 => Code::FailedPrecondition,
                60..70 => Code::Aborted,
                80..90 => Code::ResourceExhausted,
                90..100 => Code::Unavailable,
                100..110 => Code::DeadlineExceeded,
                _ => Code::Internal,
            };
            assert_eq!(code_of(reason), expected, "{}", name_of(reason));
        }
        assert!(all().count() > 30);
    }

    #[test]
    fn names_lose_the_prefix_and_are_found_again() {
        assert_eq!(name_of(Reason::OutOfStock), "OUT_OF_STOCK");
        for reason in all() {
            assert_eq!(by_name(name_of(reason)), Some(reason));
        }
        assert_eq!(by_name("NO_SUCH_REASON"), None);
    }

    #[test]
    fn what_may_have_happened_is_never_definite() {
        for reason in [
            Reason::DatabaseUnavailable,
            Reason::AnswerPending,
            Reason::Internal,
        ] {
            assert!(!is_definite(code_of(reason)));
        }
        assert!(is_definite(code_of(Reason::OutOfStock)));
    }
}
