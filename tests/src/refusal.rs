//! What a gRPC status says beyond its code.
//!
//! The rule: read here as a stranger would read it, from google.rpc details alone.

use std::{collections::HashMap, time::Duration};

use tonic::{Code, Status};
use tonic_types::StatusExt as _;

/// A status, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The gRPC code.
    pub code: Code,
    /// ErrorInfo.reason, if the domain is Holdfast's; else empty.
    pub reason: String,
    /// ErrorInfo.metadata.
    pub metadata: HashMap<String, String>,
    /// The paths of BadRequest, as they came.
    pub fields: Vec<String>,
    /// RetryInfo.
    pub retry_delay: Option<Duration>,
    /// The trailer for retry policies.
    pub pushback_ms: Option<u64>,
}

/// Takes a status apart.
pub fn told(status: &Status) -> Told {
    let details = status.get_error_details();
    let info = details
        .error_info()
        .filter(|info| info.domain == "holdfast");
    let violations = details
        .bad_request()
        .map(|bad| bad.field_violations.as_slice());
    let pushback = status.metadata().get("grpc-retry-pushback-ms");
    Told {
        code: status.code(),
        reason: info.map(|info| info.reason.clone()).unwrap_or_default(),
        metadata: info.map(|info| info.metadata.clone()).unwrap_or_default(),
        fields: violations
            .unwrap_or_default()
            .iter()
            .map(|it| it.field.clone())
            .collect(),
        retry_delay: details.retry_info().and_then(|retry| retry.retry_delay),
        pushback_ms: pushback.and_then(|value| value.to_str().ok()?.parse().ok()),
    }
}

/// Whether the status leaves open what the call did.
///
/// Only the eight definite codes with Holdfast's own ErrorInfo say that the call did nothing.
pub fn is_unknown(status: &Status) -> bool {
    let definite = matches!(
        status.code(),
        Code::InvalidArgument
            | Code::Unauthenticated
            | Code::PermissionDenied
            | Code::FailedPrecondition
            | Code::NotFound
            | Code::OutOfRange
            | Code::Aborted
            | Code::ResourceExhausted
    );
    !definite || told(status).reason.is_empty()
}

/// How long to wait before the same call may succeed, if it was shed.
pub fn shed_for(status: &Status) -> Option<Duration> {
    let told = told(status);
    let shed = told.code == Code::ResourceExhausted && !told.reason.is_empty();
    told.retry_delay.filter(|_| shed)
}
