//! Requests of the wire as the domain's questions.

use std::fmt::Display;

use holdfast_kit::{
    id::PaymentId,
    money::Money,
    refusal::Refusal,
    validate::{self, Violations},
};
use holdfast_proto::{payment as wire, types};

use crate::domain::{Authorization, Capture, Method, REVERSAL, Refund};

/// Characters of a payment method at most.
const PAYMENT_METHOD_CHARS_MAX: usize = 255;

const UUID_V7: &str = "a UUIDv7 as text, made by the caller";
const UUID_V7_BYTES: &str = "the 16 bytes of a UUIDv7";

fn checked<T>(v: Violations, value: Option<T>) -> Result<T, Refusal> {
    v.into_result()?;
    value.ok_or_else(|| Refusal::invalid_field("request", "complete"))
}

fn id_of_text(v: &mut Violations, text: &str) -> Option<PaymentId> {
    let id = text
        .parse::<PaymentId>()
        .ok()
        .filter(|id| id.create_time().is_some());
    if id.is_none() {
        v.push("payment_id", UUID_V7);
    }
    id
}

fn id_of_bytes(v: &mut Violations, field: impl Display, bytes: &[u8]) -> Option<PaymentId> {
    let id = PaymentId::from_wire_bytes(bytes).filter(|id| id.create_time().is_some());
    if id.is_none() {
        v.push(field, UUID_V7_BYTES);
    }
    id
}

/// Reads the payment that a call is about.
pub(crate) fn payment_id(text: &str) -> Result<PaymentId, Refusal> {
    let mut v = Violations::new();
    let id = id_of_text(&mut v, text);
    checked(v, id)
}

/// Reads the payment that an item of a batch is about.
pub(crate) fn payment_id_bytes(path: impl Display, bytes: &[u8]) -> Result<PaymentId, Refusal> {
    let mut v = Violations::new();
    let id = id_of_bytes(&mut v, format_args!("{path}payment_id"), bytes);
    checked(v, id)
}

fn amount(v: &mut Violations, field: impl Display, wire: Option<&types::Money>) -> Option<Money> {
    let money = Money::from_wire(v, &field, wire)?;
    if money.minor_units < 1 {
        v.push(format_args!("{field}.minor_units"), "1 to 10^15");
        return None;
    }
    Some(money)
}

fn payment_method(v: &mut Violations, field: impl Display, value: &str) {
    if value.is_empty() {
        v.push(field, "required: the provider's token");
    } else {
        validate::text(v, &field, value, PAYMENT_METHOD_CHARS_MAX);
        validate::no_card_number(v, field, value);
    }
}

/// Reads an Authorize.
pub(crate) fn authorization(request: wire::AuthorizeRequest) -> Result<Authorization, Refusal> {
    let mut v = Violations::new();
    let payment_id = id_of_text(&mut v, &request.payment_id);
    if let Some(request_id) = &request.request_id {
        validate::caller_id(&mut v, "request_id", request_id);
    }
    let amount = amount(&mut v, "amount", request.amount.as_ref());
    payment_method(&mut v, "payment_method", &request.payment_method);
    validate::caller_id(&mut v, "customer_id", &request.customer_id);
    let authorization = payment_id
        .zip(amount)
        .map(|(payment_id, amount)| Authorization {
            payment_id,
            request_id: request.request_id.unwrap_or_default(),
            amount,
            payment_method: request.payment_method,
            customer_id: request.customer_id,
            auto_capture: request.auto_capture,
        });
    checked(v, authorization)
}

/// Reads one item of a BatchAuthorize; `path` leads to it, with the dot.
pub(crate) fn authorize_item(
    path: impl Display,
    item: wire::AuthorizeItem,
) -> Result<Authorization, Refusal> {
    let mut v = Violations::new();
    let payment_id = id_of_bytes(&mut v, format_args!("{path}payment_id"), &item.payment_id);
    if !item.request_id.is_empty() {
        validate::caller_id(&mut v, format_args!("{path}request_id"), &item.request_id);
    }
    let amount = amount(&mut v, format_args!("{path}amount"), item.amount.as_ref());
    payment_method(
        &mut v,
        format_args!("{path}payment_method"),
        &item.payment_method,
    );
    validate::caller_id(&mut v, format_args!("{path}customer_id"), &item.customer_id);
    let authorization = payment_id
        .zip(amount)
        .map(|(payment_id, amount)| Authorization {
            payment_id,
            request_id: item.request_id,
            amount,
            payment_method: item.payment_method,
            customer_id: item.customer_id,
            auto_capture: item.auto_capture,
        });
    checked(v, authorization)
}

/// The key and the amount that a capture and a refund have in common.
fn keyed(
    text: &str,
    request_id: &str,
    money: Option<&types::Money>,
) -> Result<(PaymentId, Option<Money>), Refusal> {
    let mut v = Violations::new();
    let id = id_of_text(&mut v, text);
    validate::caller_id(&mut v, "request_id", request_id);
    let amount = money.and_then(|_| amount(&mut v, "amount", money));
    checked(v, id).map(|id| (id, amount))
}

/// Reads a Capture.
pub(crate) fn capture(request: wire::CaptureRequest) -> Result<(PaymentId, Capture), Refusal> {
    let wire::CaptureRequest {
        payment_id,
        request_id,
        amount,
    } = request;
    let (id, amount) = keyed(&payment_id, &request_id, amount.as_ref())?;
    Ok((id, Capture { request_id, amount }))
}

/// Reads a Refund.
pub(crate) fn refund(request: wire::RefundRequest) -> Result<(PaymentId, Refund), Refusal> {
    let wire::RefundRequest {
        payment_id,
        request_id,
        amount,
    } = request;
    let (id, amount) = keyed(&payment_id, &request_id, amount.as_ref())?;
    Ok((id, Refund { request_id, amount }))
}

/// Reads which operation a GetOperation is about.
pub(crate) fn method(request: &wire::GetOperationRequest) -> Result<(PaymentId, Method), Refusal> {
    let mut v = Violations::new();
    let id = id_of_text(&mut v, &request.payment_id);
    let number = i16::try_from(request.method).ok();
    let method = number.and_then(Method::from_number);
    if method.is_none() {
        v.push("method", "a method of the enum");
    }
    if !request.request_id.is_empty() && request.request_id != REVERSAL {
        validate::caller_id(&mut v, "request_id", &request.request_id);
    }
    checked(v, id.zip(method))
}

#[cfg(test)]
mod tests {
    use holdfast_kit::refusal::Reason;

    use super::{authorization, types, wire};

    fn request() -> wire::AuthorizeRequest {
        wire::AuthorizeRequest {
            payment_id: "018f0000-0000-7000-8000-000000000001".to_owned(),
            request_id: None,
            amount: Some(types::Money {
                currency_code: "EUR".to_owned(),
                minor_units: 1,
            }),
            payment_method: "tok_ok".to_owned(),
            customer_id: "c1".to_owned(),
            auto_capture: true,
        }
    }

    #[test]
    fn a_whole_request_is_read() {
        let read = authorization(request()).unwrap();
        assert_eq!((read.amount.minor_units, read.request_id.as_str()), (1, ""));
    }

    #[test]
    fn every_wrong_field_is_named_by_its_path() {
        let wrong = wire::AuthorizeRequest {
            payment_id: "018f0000-0000-4000-8000-000000000001".to_owned(),
            request_id: Some(String::new()),
            amount: Some(types::Money {
                currency_code: "EUR".to_owned(),
                minor_units: 0,
            }),
            payment_method: "a\0b".to_owned(),
            customer_id: "a b".to_owned(),
            auto_capture: false,
        };
        let refusal = authorization(wrong).unwrap_err();
        assert_eq!(refusal.reason, Reason::InvalidField);
        let fields: Vec<_> = refusal
            .field_violations
            .iter()
            .map(|it| it.field.as_str())
            .collect();
        let expected = [
            "payment_id",
            "request_id",
            "amount.minor_units",
            "payment_method",
            "customer_id",
        ];
        assert_eq!(fields, expected);
    }

    #[test]
    fn a_card_number_is_refused_as_a_payment_method() {
        let card = wire::AuthorizeRequest {
            payment_method: "4242 4242 4242 4242".to_owned(),
            ..request()
        };
        assert_eq!(authorization(card).unwrap_err().reason, Reason::PanRefused);
    }
}
