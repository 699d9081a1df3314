//! Refusals and unknown outcomes as messages, where a batch or a stream answers item by item.
//! Only a shortage's row version stays behind: it is for the record.

use holdfast_proto::types;

use super::{FieldViolation, Reason, Refusal, Shortage, Unknown};
use crate::time;

/// The message has a reason that this build does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("reason {0} is not known to this build")]
pub struct UnknownReason(pub i32);

fn reason_from_wire(number: i32) -> Result<Reason, UnknownReason> {
    match Reason::try_from(number) {
        Ok(Reason::Unspecified) | Err(_) => Err(UnknownReason(number)),
        Ok(reason) => Ok(reason),
    }
}

impl From<&Shortage> for types::StockShortage {
    fn from(shortage: &Shortage) -> Self {
        Self {
            sku: shortage.sku.clone(),
            requested: shortage.requested,
            available: shortage.available,
            location_id: shortage.location_id.clone(),
        }
    }
}

impl From<&FieldViolation> for types::FieldViolation {
    fn from(violation: &FieldViolation) -> Self {
        Self {
            field: violation.field.clone(),
            description: violation.description.clone(),
        }
    }
}

impl From<&Refusal> for types::Refusal {
    fn from(refusal: &Refusal) -> Self {
        Self {
            reason: refusal.reason.into(),
            message: refusal.message.clone(),
            shortages: refusal.shortages.iter().map(Into::into).collect(),
            field_violations: refusal.field_violations.iter().map(Into::into).collect(),
            provider_code: refusal.provider_code.clone(),
            retry_delay: refusal.retry_delay.map(time::duration_to_wire),
            metadata: refusal
                .metadata
                .iter()
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect(),
        }
    }
}

impl From<Refusal> for types::Refusal {
    fn from(refusal: Refusal) -> Self {
        Self::from(&refusal)
    }
}

impl TryFrom<types::Refusal> for Refusal {
    type Error = UnknownReason;

    fn try_from(wire: types::Refusal) -> Result<Self, UnknownReason> {
        let shortage = |s: types::StockShortage| Shortage {
            sku: s.sku,
            requested: s.requested,
            available: s.available,
            location_id: s.location_id,
            version: None,
        };
        let violation = |v: types::FieldViolation| FieldViolation {
            field: v.field,
            description: v.description,
        };
        Ok(Self {
            reason: reason_from_wire(wire.reason)?,
            message: wire.message,
            shortages: wire.shortages.into_iter().map(shortage).collect(),
            field_violations: wire.field_violations.into_iter().map(violation).collect(),
            provider_code: wire.provider_code,
            retry_delay: wire.retry_delay.as_ref().and_then(time::duration_from_wire),
            metadata: wire.metadata.into_iter().collect(),
        })
    }
}

impl From<&Unknown> for types::UnknownOutcome {
    fn from(unknown: &Unknown) -> Self {
        Self {
            reason: unknown.reason.into(),
            message: unknown.message.clone(),
            retry_delay: unknown.retry_delay.map(time::duration_to_wire),
        }
    }
}

impl From<Unknown> for types::UnknownOutcome {
    fn from(unknown: Unknown) -> Self {
        Self::from(&unknown)
    }
}

impl From<types::UnknownOutcome> for Unknown {
    /// Takes any reason: an outcome stays unknown even if this build cannot say why.
    fn from(wire: types::UnknownOutcome) -> Self {
        Self {
            reason: reason_from_wire(wire.reason).unwrap_or(Reason::Internal),
            message: wire.message,
            retry_delay: wire.retry_delay.as_ref().and_then(time::duration_from_wire),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Reason, Refusal, Shortage, Unknown, UnknownReason, types};

    fn short() -> Refusal {
        let shortage = Shortage {
            sku: "mug".to_owned(),
            requested: 3,
            available: 1,
            location_id: Some("north".to_owned()),
            version: Some(7),
        };
        Refusal::new(Reason::OutOfStock, "one SKU is short")
            .with_shortages(vec![shortage])
            .with_provider_code("code")
            .with_retry_delay(Duration::from_millis(1_500))
            .with_metadata("skus", "mug")
    }

    #[test]
    fn a_refusal_survives_the_wire_but_for_the_row_version() {
        let back = Refusal::try_from(types::Refusal::from(&short())).unwrap();
        let mut expected = short();
        expected.shortages[0].version = None;
        assert_eq!(back, expected);
    }

    #[test]
    fn a_refusal_survives_serde_whole_and_without_empty_fields() {
        let json = serde_json::to_value(short()).unwrap();
        assert_eq!(json["reason"], "OUT_OF_STOCK");
        assert_eq!(serde_json::from_value::<Refusal>(json).unwrap(), short());
        let bare = serde_json::to_string(&Refusal::new(Reason::TimedOut, "")).unwrap();
        assert_eq!(bare, r#"{"reason":"TIMED_OUT"}"#);
        assert!(serde_json::from_str::<Refusal>(r#"{"reason":"NEWER"}"#).is_err());
    }

    #[test]
    fn a_reason_of_a_newer_build_is_no_refusal_but_stays_unknown() {
        let refusal = types::Refusal {
            reason: 999,
            ..Default::default()
        };
        assert_eq!(Refusal::try_from(refusal), Err(UnknownReason(999)));
        let unspecified = types::Refusal::default();
        assert_eq!(Refusal::try_from(unspecified), Err(UnknownReason(0)));
        let outcome = types::UnknownOutcome {
            reason: 999,
            ..Default::default()
        };
        assert_eq!(Unknown::from(outcome).reason, Reason::Internal);
    }
}
