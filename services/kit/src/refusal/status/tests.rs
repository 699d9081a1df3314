//! Round trips of refusals and unknown outcomes through a status, and what stays unknown.
//! Each test reads the status as a client would: from its details and its trailers.

use std::collections::HashMap;
use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use super::{CallError, DETAIL_BYTES_MAX, PUSHBACK, Reason, Refusal, Unknown};
use crate::refusal::Shortage;

fn shortage(number: usize) -> Shortage {
    Shortage {
        sku: format!("sku-{number:060}"),
        requested: 1_000_000,
        available: 999_999,
        location_id: Some(format!("loc-{number:060}")),
        version: None,
    }
}

fn error_info(reason: &str, domain: &str) -> ErrorDetails {
    let metadata = HashMap::from([("a".to_owned(), "b".to_owned())]);
    ErrorDetails::with_error_info(reason, domain, metadata)
}

#[test]
fn a_refusal_becomes_a_status_with_all_details_and_comes_back() {
    let refusal = Refusal::invalid_field("lines[3].quantity", "1 to 1,000,000")
        .with_metadata("key", "value")
        .with_retry_delay(Duration::from_millis(250));
    let status = Status::from(&refusal);
    assert_eq!(status.code(), Code::InvalidArgument);
    let details = status.get_error_details();
    let info = details.error_info().unwrap();
    assert_eq!(
        (info.reason.as_str(), info.domain.as_str()),
        ("INVALID_FIELD", "holdfast")
    );
    assert_eq!(info.metadata["key"], "value");
    let violation = &details.bad_request().unwrap().field_violations[0];
    assert_eq!(violation.field, "lines[3].quantity");
    let delay = details.retry_info().unwrap().retry_delay.unwrap();
    assert_eq!(delay, Duration::from_millis(250));
    assert_eq!(status.metadata().get(PUSHBACK).unwrap(), "250");
    assert_eq!(Refusal::from_status(&status), Some(refusal));
}

#[test]
fn details_fit_into_trailers_however_long_the_lists_are() {
    let short = Refusal::new(Reason::OutOfStock, "short")
        .with_shortages((0..1_000).map(shortage).collect());
    let status = Status::from(&short);
    assert!(
        status.details().len() <= DETAIL_BYTES_MAX + 512,
        "{}",
        status.details().len()
    );
    let back = Refusal::from_status(&status).unwrap();
    assert!(!back.shortages.is_empty() && back.shortages.len() <= 50);

    let small = (0..60).map(|n| Shortage {
        sku: format!("s{n}"),
        location_id: None,
        ..shortage(n)
    });
    let status =
        Status::from(Refusal::new(Reason::OutOfStock, "short").with_shortages(small.collect()));
    assert_eq!(Refusal::from_status(&status).unwrap().shortages.len(), 50);
}

#[test]
fn an_unknown_outcome_stays_unknown() {
    for (unknown, code) in [
        (
            Unknown::database_unavailable().with_retry_delay(Duration::from_secs(1)),
            Code::Unavailable,
        ),
        (Unknown::answer_pending(), Code::DeadlineExceeded),
        (Unknown::internal(), Code::Internal),
    ] {
        let status = Status::from(unknown.clone());
        assert_eq!(status.code(), code);
        assert_eq!(CallError::from(&status), CallError::Unknown(unknown));
    }
}

#[test]
fn an_unknown_outcome_never_gets_a_definite_code() {
    let status = Status::from(Unknown::new(Reason::OutOfStock, "a defect"));
    assert_eq!(status.code(), Code::Internal);
    assert!(Refusal::from_status(&status).is_none());
}

#[test]
fn a_status_without_our_error_info_is_unknown_whatever_its_code() {
    let foreign = Status::with_error_details(
        Code::FailedPrecondition,
        "no",
        error_info("OUT_OF_STOCK", "elsewhere"),
    );
    let newer = Status::with_error_details(
        Code::FailedPrecondition,
        "no",
        error_info("NEWER", "holdfast"),
    );
    let bare = Status::failed_precondition("no");
    for status in [foreign, newer, bare] {
        assert!(
            matches!(CallError::from(&status), CallError::Unknown(_)),
            "{status:?}"
        );
    }
}

#[test]
fn a_refusal_is_read_from_error_info_alone() {
    let status = Status::with_error_details(
        Code::NotFound,
        "no such order",
        error_info("ORDER_NOT_FOUND", "holdfast"),
    );
    let expected = Refusal::new(Reason::OrderNotFound, "no such order").with_metadata("a", "b");
    assert_eq!(Refusal::from_status(&status), Some(expected));
}
