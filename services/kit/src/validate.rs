//! Checks of a request's fields, each violation with its path.
//! Every check collects and none stops at the first, so a caller learns all that is wrong at once;
//! nothing that looks like a card number is ever echoed.

mod card;

use std::collections::HashMap;
use std::fmt::Display;
use std::str::FromStr;

use crate::refusal::{FieldViolation, Reason, Refusal};

/// Violations that one answer names at most.
pub const VIOLATIONS_MAX: usize = 50;

/// Characters of a caller's id, and of a SKU, at most.
pub const CALLER_ID_CHARS_MAX: usize = 64;

/// Units of one line at most.
pub const QUANTITY_MAX: i64 = 1_000_000;

/// Bytes of a metadata or attribute value at most.
pub const PAIR_VALUE_BYTES_MAX: usize = 512;

/// What is wrong with a request so far.
#[derive(Debug, Default)]
pub struct Violations {
    found: Vec<FieldViolation>,
    other_than_card_numbers: usize,
    card_numbers: usize,
}

impl Violations {
    /// Starts with nothing wrong.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a field and a sentence that says what is expected of it, never its value.
    pub fn push(&mut self, field: impl Display, description: impl Into<String>) {
        self.other_than_card_numbers += 1;
        self.keep(field, description);
    }

    /// Adds a field that holds what looks like a card number.
    pub fn pan(&mut self, field: impl Display) {
        self.card_numbers += 1;
        self.keep(
            field,
            "holds what looks like a card number; send the provider's token",
        );
    }

    fn keep(&mut self, field: impl Display, description: impl Into<String>) {
        if self.found.len() < VIOLATIONS_MAX {
            let field = field.to_string();
            self.found.push(FieldViolation {
                field,
                description: description.into(),
            });
        }
    }

    /// Says whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.other_than_card_numbers == 0 && self.card_numbers == 0
    }

    /// Ends the checks.
    ///
    /// # Errors
    /// INVALID_FIELD with the first [`VIOLATIONS_MAX`] violations, or PAN_REFUSED when card numbers
    /// are all that is wrong.
    pub fn into_result(self) -> Result<(), Refusal> {
        if self.is_empty() {
            return Ok(());
        }
        let (reason, message) = if self.other_than_card_numbers > 0 {
            (
                Reason::InvalidField,
                "the request has fields that are wrong",
            )
        } else {
            (
                Reason::PanRefused,
                "the request holds what looks like a card number",
            )
        };
        Err(Refusal::new(reason, message).with_field_violations(self.found))
    }
}

fn is_caller_id_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b':' | b'-')
}

fn is_caller_id(value: &str) -> bool {
    (1..=CALLER_ID_CHARS_MAX).contains(&value.len()) && value.bytes().all(is_caller_id_byte)
}

fn is_sku(value: &str) -> bool {
    let inner = |byte| is_caller_id_byte(byte) || matches!(byte, b' ' | b'/' | b'#');
    let bytes = value.as_bytes();
    (1..=CALLER_ID_CHARS_MAX).contains(&bytes.len())
        && bytes.iter().copied().all(inner)
        && bytes.first().copied().is_some_and(is_caller_id_byte)
        && bytes.last().copied().is_some_and(is_caller_id_byte)
}

/// Checks an id that a caller chose: `[A-Za-z0-9_.:-]{1,64}`.
pub fn caller_id(v: &mut Violations, field: impl Display, value: &str) {
    if !is_caller_id(value) {
        v.push(field, "1 to 64 characters of A-Z, a-z, 0-9, _ . : and -");
    }
}

/// Checks a SKU: a caller's id that may also hold space, `/` and `#`, except at its ends.
pub fn sku(v: &mut Violations, field: impl Display, value: &str) {
    if !is_sku(value) {
        v.push(
            field,
            "1 to 64 characters of A-Z, a-z, 0-9, _ . : and -, and inside also space, / and #",
        );
    }
}

/// Checks the units of a line: 1 to 1,000,000.
pub fn quantity(v: &mut Violations, field: impl Display, value: i64) {
    if !(1..=QUANTITY_MAX).contains(&value) {
        v.push(field, "1 to 1,000,000");
    }
}

/// Checks text that people read: no control characters, NUL among them, and not too long.
pub fn text(v: &mut Violations, field: impl Display, value: &str, chars_max: usize) {
    if value.len() > chars_max && value.chars().count() > chars_max {
        v.push(field, format!("at most {chars_max} characters"));
    } else if value.chars().any(char::is_control) {
        v.push(field, "no control characters");
    }
}

/// Checks that text holds no card number.
///
/// That is 12 to 19 digits, spaces and dashes between them allowed, that pass the Luhn check and
/// have a card scheme's prefix and length. SKUs are not checked: an EAN-13 may look like one.
pub fn no_card_number(v: &mut Violations, field: impl Display, value: &str) {
    if card::found_in(value) {
        v.pan(field);
    }
}

/// Checks a caller's own pairs: not too many, keys in the shape of a caller's id, values of up to
/// 512 bytes without control characters, no card number in either.
pub fn pairs(
    v: &mut Violations,
    field: impl Display,
    map: &HashMap<String, String>,
    pairs_max: usize,
) {
    if map.len() > pairs_max {
        v.push(field, format!("at most {pairs_max} pairs"));
        return;
    }
    let mut sorted: Vec<_> = map.iter().collect();
    sorted.sort_unstable();
    for (key, value) in sorted {
        if !is_caller_id(key) {
            v.push(
                &field,
                "keys are 1 to 64 characters of A-Z, a-z, 0-9, _ . : and -",
            );
        } else if card::found_in(key) {
            v.pan(&field);
        } else {
            pair_value(v, format_args!("{field}[{key}]"), value);
        }
    }
}

fn pair_value(v: &mut Violations, field: impl Display, value: &str) {
    if value.len() > PAIR_VALUE_BYTES_MAX {
        v.push(field, format!("at most {PAIR_VALUE_BYTES_MAX} bytes"));
    } else if value.chars().any(char::is_control) {
        v.push(field, "no control characters");
    } else {
        no_card_number(v, field, value);
    }
}

/// Reads an enum's number; none, with a violation, if this build does not know it. The unspecified
/// value passes: what it means is the field's business.
pub fn known<E: TryFrom<i32>>(v: &mut Violations, field: impl Display, value: i32) -> Option<E> {
    let known = E::try_from(value).ok();
    if known.is_none() {
        v.push(field, "a value of the enum");
    }
    known
}

/// Reads an id that the system made from its text; none, with a violation, if it is not a UUID's.
pub fn system_id<T: FromStr>(v: &mut Violations, field: impl Display, value: &str) -> Option<T> {
    let id = value.parse().ok();
    if id.is_none() {
        v.push(field, "the 36 characters of a UUID");
    }
    id
}

#[cfg(test)]
mod tests;
