//! Finds what looks like a payment card number in text.
//! A number counts only with a scheme's prefix, that scheme's length and a valid Luhn digit, so
//! that order numbers and times pass; where the three agree, a doubt is decided against the text.

/// Digits of the shortest and of the longest card number.
const DIGITS_MIN: usize = 12;
const DIGITS_MAX: usize = 19;

/// Numbers of one scheme: first digits from `low` to `high`, lengths from `min` to `max`.
struct Range {
    low: u32,
    high: u32,
    min: usize,
    max: usize,
}

const fn range(low: u32, high: u32, min: usize, max: usize) -> Range {
    Range {
        low,
        high,
        min,
        max,
    }
}

/// Issuer prefixes as the schemes publish them (ISO/IEC 7812 major industries 2 to 6).
const RANGES: [Range; 26] = [
    // Visa; 13 digits is its old length.
    range(4, 4, 13, 13),
    range(4, 4, 16, 16),
    range(4, 4, 19, 19),
    // Mastercard.
    range(51, 55, 16, 16),
    range(2221, 2720, 16, 16),
    // American Express.
    range(34, 34, 15, 15),
    range(37, 37, 15, 15),
    // Discover.
    range(6011, 6011, 16, 19),
    range(644, 649, 16, 19),
    range(65, 65, 16, 19),
    // Diners Club.
    range(300, 305, 14, 19),
    range(3095, 3095, 14, 19),
    range(36, 36, 14, 19),
    range(38, 39, 14, 19),
    // JCB.
    range(3528, 3589, 16, 19),
    // UnionPay.
    range(62, 62, 16, 19),
    range(81, 81, 16, 19),
    // Maestro.
    range(5018, 5018, 12, 19),
    range(5020, 5020, 12, 19),
    range(5038, 5038, 12, 19),
    range(5893, 5893, 12, 19),
    range(6304, 6304, 12, 19),
    range(6759, 6759, 12, 19),
    range(6761, 6763, 12, 19),
    // Mir.
    range(2200, 2204, 16, 19),
    // RuPay.
    range(60, 60, 16, 16),
];

fn digits_of(number: u32) -> usize {
    number.checked_ilog10().map_or(1, |log| log as usize + 1)
}

fn has_issuer(digits: &[u8]) -> bool {
    RANGES.iter().any(|range| {
        let prefix = &digits[..digits_of(range.low)];
        let prefix = prefix
            .iter()
            .fold(0, |sum, digit| sum * 10 + u32::from(*digit));
        (range.low..=range.high).contains(&prefix)
            && (range.min..=range.max).contains(&digits.len())
    })
}

/// The check digit of ISO/IEC 7812-1, annex B.
fn passes_luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| match (place % 2, u32::from(*digit)) {
            (0, digit) => digit,
            (_, digit) if digit > 4 => digit * 2 - 9,
            (_, digit) => digit * 2,
        })
        .sum();
    sum.is_multiple_of(10)
}

fn is_card_number(digits: &[u8]) -> bool {
    (DIGITS_MIN..=DIGITS_MAX).contains(&digits.len()) && has_issuer(digits) && passes_luhn(digits)
}

fn is_separator(byte: u8) -> bool {
    matches!(byte, b' ' | b'-')
}

/// Looks at the number that starts at `start`, ending at each end of a digit group in turn.
fn starts_at(bytes: &[u8], start: usize) -> bool {
    let mut digits = [0_u8; DIGITS_MAX];
    let mut count = 0;
    for (at, byte) in bytes.iter().enumerate().skip(start) {
        if is_separator(*byte) {
            continue;
        }
        if !byte.is_ascii_digit() || count == DIGITS_MAX {
            return false;
        }
        digits[count] = byte - b'0';
        count += 1;
        let group_ends = !bytes.get(at + 1).is_some_and(u8::is_ascii_digit);
        if group_ends && is_card_number(&digits[..count]) {
            return true;
        }
    }
    false
}

/// Says whether the text holds a card number: digit groups, joined by spaces and dashes.
pub(super) fn found_in(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.len() < DIGITS_MIN {
        return false;
    }
    (0..=bytes.len() - DIGITS_MIN).any(|start| {
        let group_starts = start == 0 || !bytes[start - 1].is_ascii_digit();
        bytes[start].is_ascii_digit() && group_starts && starts_at(bytes, start)
    })
}

#[cfg(test)]
mod tests {
    use super::found_in;

    #[test]
    fn card_numbers_are_found_in_every_spelling() {
        for text in [
            "4111111111111111",
            "4111 1111 1111 1111",
            "4111-1111-1111-1111",
            "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
            "card: 4111111111111111, thanks",
            "tok4111111111111111",
            "order 17 4111111111111111 12/29",
            "4222222222222",
            "5555555555554444",
            "2223003122003222",
            "378282246310005",
            "3782 822463 10005",
            "6011111111111117",
            "3056930009020004",
            "30569309025904",
            "3566002020360505",
            "6200000000000005",
            "6759649826438453",
        ] {
            assert!(found_in(text), "{text}");
        }
    }

    #[test]
    fn other_numbers_pass() {
        for text in [
            "",
            "4111111111111112",
            "1234567890123452",
            "0000000000000000",
            "41111111111111110000",
            "411111111111111",
            "4111/1111/1111/1111",
            "2026-02-28 12:00:00",
            "1700000000000",
            "+44 20 7946 0958",
            "9780201379624",
            "018f3c6e-4a5b-7c1d-9e2f-3a4b5c6d7e8f",
            "tok_ok",
            "pi_3MtwBwLkdIwHu7ix28a3tqPa",
        ] {
            assert!(!found_in(text), "{text}");
        }
    }

    #[test]
    fn long_text_of_digits_and_separators_is_read_once_per_group() {
        assert!(!found_in(&"1 -".repeat(10_000)));
        assert!(!found_in(&"1".repeat(10_000)));
    }
}
