//! Prices as people write them, as whole minor units.
//!
//! The rule: decimal digits alone, never a float; what is not a whole number of minor units is told,
//! not rounded.

use holdfast_kit::money::MINOR_UNITS_MAX;

/// Decimal places of the currency of the data set, GBP.
const PLACES: usize = 2;

/// Why a text is no price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotAPrice {
    /// It is no decimal number.
    Malformed,
    /// It has more decimal places than the currency.
    TooFine,
    /// It is more than an order may total.
    TooLarge,
}

/// Reads a decimal number such as `2.55`, `-3` or `.5` as minor units.
///
/// # Errors
/// [`NotAPrice`] says what is wrong with it.
pub(super) fn minor_units(text: &str) -> Result<i64, NotAPrice> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = whole
        .bytes()
        .chain(fraction.bytes())
        .all(|byte| byte.is_ascii_digit());
    if !all_digits || whole.len() + fraction.len() == 0 {
        return Err(NotAPrice::Malformed);
    }
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > PLACES {
        return Err(NotAPrice::TooFine);
    }
    let padding = std::iter::repeat_n(b'0', PLACES - fraction.len());
    let mut units = 0_i64;
    for byte in whole.bytes().chain(fraction.bytes()).chain(padding) {
        let digit = i64::from(byte - b'0');
        units = units
            .checked_mul(10)
            .and_then(|units| units.checked_add(digit))
            .filter(|units| *units <= MINOR_UNITS_MAX)
            .ok_or(NotAPrice::TooLarge)?;
    }
    Ok(if negative { -units } else { units })
}

#[cfg(test)]
mod tests {
    use super::{NotAPrice, minor_units};

    #[test]
    fn decimals_become_minor_units_exactly() {
        for (text, units) in [
            ("2.55", 255),
            ("0.29", 29),
            ("1.1", 110),
            ("4", 400),
            ("4.", 400),
            (".5", 50),
            ("0", 0),
            ("0.00", 0),
            ("7.9500", 795),
            ("-11062.06", -1_106_206),
            ("-0.01", -1),
            ("0000000000000000000000001.00", 100),
            ("10000000000000.00", 1_000_000_000_000_000),
        ] {
            assert_eq!(minor_units(text), Ok(units), "{text}");
        }
    }

    #[test]
    fn what_is_no_price_is_told_apart() {
        for text in [
            "", "-", ".", "-.", "1,50", "1e3", "NaN", "+1", "1.2.3", "--1", "£2", "١",
        ] {
            assert_eq!(minor_units(text), Err(NotAPrice::Malformed), "{text}");
        }
        for text in ["0.001", "2.555", "-1.005"] {
            assert_eq!(minor_units(text), Err(NotAPrice::TooFine), "{text}");
        }
        for text in ["10000000000000.01", "99999999999999999999999"] {
            assert_eq!(minor_units(text), Err(NotAPrice::TooLarge), "{text}");
        }
    }

    #[test]
    fn every_amount_of_pence_survives_being_written_and_read() {
        for pence in (0..200_000).chain([999_999_999_999_999]) {
            let text = format!("{}.{:02}", pence / 100, pence % 100);
            assert_eq!(minor_units(&text), Ok(pence));
        }
    }
}
