//! What a PlaceOrder request may hold, and how what it may not is named.

use holdfast_kit::refusal::{Reason, Refusal};
use holdfast_proto::{order as wire, types};

use super::placement;

fn eur(minor_units: i64) -> Option<types::Money> {
    Some(types::Money {
        currency_code: "EUR".into(),
        minor_units,
    })
}

fn line(sku: &str, quantity: i64, price: i64) -> wire::OrderLine {
    wire::OrderLine {
        sku: sku.into(),
        quantity,
        unit_price: eur(price),
        ..wire::OrderLine::default()
    }
}

fn request() -> wire::PlaceOrderRequest {
    wire::PlaceOrderRequest {
        customer_id: "c-1".into(),
        request_id: "r-1".into(),
        lines: vec![line("TEA CUP/1", 2, 250)],
        payment_method: "tok_ok".into(),
        ..wire::PlaceOrderRequest::default()
    }
}

fn refused(change: impl FnOnce(&mut wire::PlaceOrderRequest)) -> Refusal {
    let mut request = request();
    change(&mut request);
    placement(request).expect_err("it is refused")
}

fn fields(refusal: &Refusal) -> Vec<&str> {
    refusal
        .field_violations
        .iter()
        .map(|violation| violation.field.as_str())
        .collect()
}

#[test]
fn a_plain_order_is_taken_with_its_defaults() {
    let asked = placement(request()).expect("it is valid");
    assert_eq!(asked.placement.total.minor_units, 500);
    assert_eq!(asked.placement.decide_within, None);
    assert!(!asked.accepted_is_enough);
}

#[test]
fn every_wrong_field_is_named_by_its_path() {
    type Change = fn(&mut wire::PlaceOrderRequest);
    let table: &[(&str, Change)] = &[
        ("customer_id", |r| r.customer_id = "a b".into()),
        ("request_id", |r| r.request_id.clear()),
        ("lines", |r| r.lines.clear()),
        ("lines[0].sku", |r| r.lines[0].sku = "A\0B".into()),
        ("lines[0].quantity", |r| r.lines[0].quantity = 0),
        ("lines[0].quantity", |r| r.lines[0].quantity = 1_000_001),
        ("lines[0].unit_price", |r| r.lines[0].unit_price = None),
        ("lines[0].unit_price.minor_units", |r| {
            r.lines[0].unit_price = eur(-1)
        }),
        ("lines[0].line_number", |r| r.lines[0].line_number = 7),
        ("payment_method", |r| r.payment_method.clear()),
        ("capture", |r| r.capture = 77),
        ("wait_for", |r| r.wait_for = -1),
        ("priority", |r| r.priority = 9),
        ("decide_within", |r| {
            r.decide_within = Some(prost_types::Duration::default())
        }),
        ("adjustments[0].kind", |r| {
            r.adjustments.push(wire::Adjustment {
                amount: eur(1),
                ..wire::Adjustment::default()
            });
        }),
        ("adjustments[0].label", |r| {
            let label = "a\0b".into();
            r.adjustments.push(wire::Adjustment {
                kind: 1,
                label,
                amount: eur(1),
            });
        }),
    ];
    for (field, change) in table {
        let refusal = refused(*change);
        assert_eq!(refusal.reason, Reason::InvalidField, "{field}");
        assert_eq!(fields(&refusal), [*field]);
    }
}

#[test]
fn a_card_number_is_refused_wherever_text_is_free() {
    let refusal = refused(|r| r.payment_method = "4242 4242 4242 4242".into());
    assert_eq!(refusal.reason, Reason::PanRefused);
    let refusal = refused(|r| {
        r.metadata
            .insert("note".into(), "card 4111-1111-1111-1111".into());
    });
    assert_eq!(refusal.reason, Reason::PanRefused);
    let mut ean = request();
    ean.lines[0].sku = "4006381333931".into();
    assert!(placement(ean).is_ok(), "an EAN-13 is a SKU");
}

#[test]
fn one_order_has_one_currency_and_a_total_in_range() {
    let usd = Some(types::Money {
        currency_code: "USD".into(),
        minor_units: 1,
    });
    let refusal = refused(|r| {
        r.lines.push(wire::OrderLine {
            unit_price: usd,
            ..line("B", 1, 1)
        });
    });
    assert_eq!(refusal.reason, Reason::CurrencyMismatch);
    assert_eq!(fields(&refusal), ["lines[1].unit_price.currency_code"]);
    let refusal = refused(|r| r.lines[0] = line("A", 1_000_000, 1_000_000_000_000));
    assert_eq!(refusal.reason, Reason::AmountOutOfRange);
    assert_eq!(fields(&refusal), ["lines[0].unit_price"]);
}

#[test]
fn a_total_of_nothing_needs_no_payment_method() {
    let mut free = request();
    free.lines[0] = line("A", 1, 0);
    free.payment_method.clear();
    assert!(placement(free).is_ok());
}
