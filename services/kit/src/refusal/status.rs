//! Refusals and unknown outcomes as a gRPC status with google.rpc details, and back.
//! A status is taken for a refusal only with Holdfast's own ErrorInfo and a definite code.

use std::time::Duration;

use holdfast_proto::types;
use prost::Message;
use prost_types::Any;
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::{Code, Status};
use tonic_types::pb;

use super::{CallError, Reason, Refusal, Unknown, by_name, code_of, is_definite, name_of};
use crate::time;

/// ErrorInfo.domain of every error that Holdfast itself decided on.
pub const DOMAIN: &str = "holdfast";

/// Shortages, and field violations, that a unary call's trailers carry at most.
const DETAIL_ITEMS_MAX: usize = 50;

/// Encoded details at most; base64 makes a third more of it, and clients commonly accept 8 KiB of
/// trailers.
const DETAIL_BYTES_MAX: usize = 5 * 1024;

/// Characters of a message that trailers carry at most; percent-encoding may triple them.
const MESSAGE_CHARS_MAX: usize = 300;

/// The trailer that tells a gRPC client's retry policy when to come back.
const PUSHBACK: &str = "grpc-retry-pushback-ms";

const TYPE_URL_BASE: &str = "type.googleapis.com/";
const ERROR_INFO: &str = "google.rpc.ErrorInfo";
const BAD_REQUEST: &str = "google.rpc.BadRequest";
const RETRY_INFO: &str = "google.rpc.RetryInfo";
const REFUSAL: &str = "holdfast.type.v1.Refusal";

fn any(name: &str, message: &impl Message) -> Any {
    Any {
        type_url: format!("{TYPE_URL_BASE}{name}"),
        value: message.encode_to_vec(),
    }
}

fn error_info<'a>(
    reason: Reason,
    metadata: impl IntoIterator<Item = (&'a String, &'a String)>,
) -> Any {
    let info = pb::ErrorInfo {
        reason: name_of(reason).to_owned(),
        domain: DOMAIN.to_owned(),
        metadata: metadata
            .into_iter()
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect(),
    };
    any(ERROR_INFO, &info)
}

fn retry_info(delay: Duration) -> Any {
    any(
        RETRY_INFO,
        &pb::RetryInfo {
            retry_delay: Some(time::duration_to_wire(delay)),
        },
    )
}

fn bad_request(violations: &[types::FieldViolation]) -> Any {
    let field_violation = |v: &types::FieldViolation| pb::bad_request::FieldViolation {
        field: v.field.clone(),
        description: v.description.clone(),
        ..Default::default()
    };
    let request = pb::BadRequest {
        field_violations: violations.iter().map(field_violation).collect(),
    };
    any(BAD_REQUEST, &request)
}

fn trailers(retry_delay: Option<Duration>) -> MetadataMap {
    let mut trailers = MetadataMap::new();
    if let Some(delay) = retry_delay {
        let millis = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        trailers.insert(PUSHBACK, MetadataValue::from(millis));
    }
    trailers
}

fn status(code: Code, message: &str, details: Vec<Any>, retry_delay: Option<Duration>) -> Status {
    let message: String = message.chars().take(MESSAGE_CHARS_MAX).collect();
    let body = pb::Status {
        code: code.into(),
        message: message.clone(),
        details,
    };
    let trailers = trailers(retry_delay);
    Status::with_details_and_metadata(code, message, body.encode_to_vec().into(), trailers)
}

/// Cuts the lists until the details fit into the trailers of common clients.
fn details_of(refusal: &Refusal) -> Vec<Any> {
    let mut wire = types::Refusal::from(refusal);
    wire.shortages.truncate(DETAIL_ITEMS_MAX);
    wire.field_violations.truncate(DETAIL_ITEMS_MAX);
    loop {
        let mut details = vec![error_info(refusal.reason, &refusal.metadata)];
        if !wire.field_violations.is_empty() {
            details.push(bad_request(&wire.field_violations));
        }
        details.extend(refusal.retry_delay.map(retry_info));
        details.push(any(REFUSAL, &wire));
        let bytes: usize = details.iter().map(Message::encoded_len).sum();
        let items = wire.shortages.len() + wire.field_violations.len();
        if bytes <= DETAIL_BYTES_MAX || items == 0 {
            return details;
        }
        wire.shortages.truncate(wire.shortages.len() * 3 / 4);
        wire.field_violations
            .truncate(wire.field_violations.len() * 3 / 4);
    }
}

impl From<&Refusal> for Status {
    fn from(refusal: &Refusal) -> Self {
        status(
            refusal.code(),
            &refusal.message,
            details_of(refusal),
            refusal.retry_delay,
        )
    }
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        Self::from(&refusal)
    }
}

impl From<Unknown> for Status {
    fn from(unknown: Unknown) -> Self {
        let mut details = vec![error_info(unknown.reason, [])];
        details.extend(unknown.retry_delay.map(retry_info));
        status(
            unknown.code(),
            &unknown.message,
            details,
            unknown.retry_delay,
        )
    }
}

impl From<CallError> for Status {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Refused(refusal) => refusal.into(),
            CallError::Unknown(unknown) => unknown.into(),
        }
    }
}

fn find<M: Message + Default>(details: &[Any], name: &str) -> Option<M> {
    let named = details.iter().find(|detail| {
        detail
            .type_url
            .rsplit_once('/')
            .is_some_and(|(_, type_name)| type_name == name)
    })?;
    M::decode(named.value.as_slice()).ok()
}

/// What Holdfast's own ErrorInfo in a status says.
struct Decoded {
    reason: Reason,
    info: pb::ErrorInfo,
    details: Vec<Any>,
}

fn decode(status: &Status) -> Option<Decoded> {
    let details = pb::Status::decode(status.details()).ok()?.details;
    let info: pb::ErrorInfo =
        find(&details, ERROR_INFO).filter(|i: &pb::ErrorInfo| i.domain == DOMAIN)?;
    Some(Decoded {
        reason: by_name(&info.reason)?,
        info,
        details,
    })
}

fn retry_delay_in(details: &[Any]) -> Option<Duration> {
    let info: pb::RetryInfo = find(details, RETRY_INFO)?;
    time::duration_from_wire(&info.retry_delay?)
}

impl Refusal {
    /// Takes a refusal from a status; none if the status leaves the answer open.
    pub fn from_status(status: &Status) -> Option<Self> {
        match CallError::from(status) {
            CallError::Refused(refusal) => Some(refusal),
            CallError::Unknown(_) => None,
        }
    }
}

impl From<&Status> for CallError {
    /// Reads what another Holdfast service answered: refused only with its ErrorInfo, a definite
    /// code, and the two in agreement.
    fn from(status: &Status) -> Self {
        let Some(decoded) = decode(status) else {
            let message = format!("the answer is not known: {:?}", status.code());
            return Unknown::new(Reason::ParticipantUnavailable, message).into();
        };
        let retry_delay = retry_delay_in(&decoded.details);
        if !is_definite(status.code()) || code_of(decoded.reason) != status.code() {
            let message = status.message().to_owned();
            return Unknown {
                reason: decoded.reason,
                message,
                retry_delay,
            }
            .into();
        }
        let whole = find::<types::Refusal>(&decoded.details, REFUSAL)
            .and_then(|wire| Refusal::try_from(wire).ok())
            .filter(|refusal| refusal.reason == decoded.reason);
        let refusal = whole.unwrap_or_else(|| Refusal {
            metadata: decoded.info.metadata.into_iter().collect(),
            retry_delay,
            ..Refusal::new(decoded.reason, status.message())
        });
        refusal.into()
    }
}

#[cfg(test)]
mod tests;
