//! Tables of values on both sides of each rule.
//! Each test feeds the checks alone and reads the refusal that they end with.

use std::collections::HashMap;

use holdfast_proto::types::Role;

use super::{Reason, VIOLATIONS_MAX, Violations, caller_id, known, no_card_number, pairs};
use super::{quantity, sku, system_id, text};
use crate::id::OrderId;

fn passes(check: impl FnOnce(&mut Violations)) -> bool {
    let mut v = Violations::new();
    check(&mut v);
    v.is_empty()
}

#[test]
fn caller_ids_are_1_to_64_of_their_characters() {
    let longest = "x".repeat(64);
    for value in ["a", "A-z_0.9:", longest.as_str()] {
        assert!(passes(|v| caller_id(v, "f", value)), "{value}");
    }
    let too_long = "x".repeat(65);
    for value in ["", " ", "a b", "a\0", "ä", "a/b", "a#b", too_long.as_str()] {
        assert!(!passes(|v| caller_id(v, "f", value)), "{value}");
    }
}

#[test]
fn skus_also_hold_space_slash_and_hash_inside() {
    for value in ["a", "1/2 inch #4", "85123A", "4006381333931", "a  b"] {
        assert!(passes(|v| sku(v, "f", value)), "{value}");
    }
    for value in ["", " a", "a ", "/a", "a#", "a\tb", "a\0b", "é"] {
        assert!(!passes(|v| sku(v, "f", value)), "{value}");
    }
}

#[test]
fn quantities_are_1_to_a_million() {
    for (value, good) in [
        (1, true),
        (1_000_000, true),
        (0, false),
        (-1, false),
        (1_000_001, false),
        (i64::MAX, false),
    ] {
        assert_eq!(passes(|v| quantity(v, "f", value)), good, "{value}");
    }
}

#[test]
fn text_is_counted_in_characters_and_holds_no_control_character() {
    for (value, good) in [
        ("", true),
        ("äöü€", true),
        ("abcde", false),
        ("äöü€x", false),
        ("a\0", false),
        ("a\n", false),
        ("\u{85}", false),
    ] {
        assert_eq!(passes(|v| text(v, "f", value, 4)), good, "{value:?}");
    }
}

#[test]
fn pairs_are_checked_by_key_value_and_count() {
    let one = |key: &str, value: &str| HashMap::from([(key.to_owned(), value.to_owned())]);
    let long = "x".repeat(513);
    for (map, good) in [
        (HashMap::new(), true),
        (one("colour", "dark blue"), true),
        (one("", "x"), false),
        (one("a b", "x"), false),
        (one("k", &long), false),
        (one("k", &long[1..]), true),
        (one("k", "a\0b"), false),
        (one("k", "4111 1111 1111 1111"), false),
        (one("4111111111111111", "x"), false),
    ] {
        assert_eq!(passes(|v| pairs(v, "metadata", &map, 1)), good, "{map:?}");
    }
    let two = HashMap::from([("a", "b"), ("c", "d")].map(|(k, v)| (k.to_owned(), v.to_owned())));
    assert!(!passes(|v| pairs(v, "metadata", &two, 1)));
}

#[test]
fn no_answer_repeats_a_card_number() {
    let number = "4111111111111111";
    let mut v = Violations::new();
    let map = HashMap::from([(number.to_owned(), number.to_owned())]);
    pairs(&mut v, "metadata", &map, 16);
    no_card_number(&mut v, "payment_method", number);
    let refusal = v.into_result().unwrap_err();
    assert_eq!(refusal.reason, Reason::PanRefused);
    assert!(!format!("{refusal:?}").contains(number));
}

#[test]
fn another_violation_beside_a_card_number_makes_it_an_invalid_field() {
    let mut v = Violations::new();
    no_card_number(
        &mut v,
        format_args!("lines[{}].label", 3),
        "4111111111111111",
    );
    quantity(&mut v, "lines[3].quantity", 0);
    let refusal = v.into_result().unwrap_err();
    assert_eq!(refusal.reason, Reason::InvalidField);
    let fields: Vec<_> = refusal
        .field_violations
        .iter()
        .map(|v| v.field.as_str())
        .collect();
    assert_eq!(fields, ["lines[3].label", "lines[3].quantity"]);
}

#[test]
fn violations_are_kept_up_to_a_limit() {
    let mut v = Violations::new();
    (0..1_000).for_each(|n| quantity(&mut v, format_args!("lines[{n}].quantity"), 0));
    assert_eq!(
        v.into_result().unwrap_err().field_violations.len(),
        VIOLATIONS_MAX
    );
    assert!(Violations::new().into_result().is_ok());
}

#[test]
fn enums_and_ids_of_this_build_are_read() {
    let mut v = Violations::new();
    assert_eq!(known(&mut v, "role", 3), Some(Role::Operator));
    let id = "018f3c6e-4a5b-7c1d-9e2f-3a4b5c6d7e8f";
    assert_eq!(
        system_id::<OrderId>(&mut v, "order_id", id)
            .unwrap()
            .to_string(),
        id
    );
    assert!(v.is_empty());
    assert_eq!(known::<Role>(&mut v, "role", 99), None);
    assert_eq!(system_id::<OrderId>(&mut v, "order_id", "7"), None);
    assert_eq!(v.into_result().unwrap_err().field_violations.len(), 2);
}
