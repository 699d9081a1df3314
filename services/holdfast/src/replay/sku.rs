//! Stock codes as SKUs.
//!
//! The rule: a code in the shape of a SKU stays as it is, spaces at its ends aside; any other gets
//! a name of that shape which no other code gets.

use holdfast_kit::validate::{self, CALLER_ID_CHARS_MAX, Violations};
use sha2::{Digest as _, Sha256};

/// Bytes of the digest in a made-up name; as hexadecimal digits twice as many.
const DIGEST_BYTES: usize = 6;

/// The SKU for a stock code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// The code itself.
    AsItIs(String),
    /// The code could not stay as it is.
    Changed(String),
}

/// Gives the SKU for a stock code; none for one that is empty.
pub(super) fn name(code: &str) -> Option<Named> {
    let trimmed = code.trim();
    if trimmed.is_empty() {
        return None;
    }
    if !is_sku(trimmed) {
        return Some(Named::Changed(made_up(trimmed)));
    }
    let name = trimmed.to_owned();
    Some(if trimmed == code {
        Named::AsItIs(name)
    } else {
        Named::Changed(name)
    })
}

fn is_sku(text: &str) -> bool {
    let mut violations = Violations::new();
    validate::sku(&mut violations, "sku", text);
    violations.is_empty()
}

/// What is readable of the code, and a digest of the whole.
fn made_up(code: &str) -> String {
    let digest: String = Sha256::digest(code)
        .iter()
        .take(DIGEST_BYTES)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let readable: String = code
        .chars()
        .take(CALLER_ID_CHARS_MAX - digest.len() - 1)
        .map(|c| {
            if c.is_ascii_alphanumeric() || ".:-".contains(c) {
                c
            } else {
                '_'
            }
        })
        .collect();
    format!("{readable}.{digest}")
}

#[cfg(test)]
mod tests {
    use super::{Named, is_sku, name};

    #[test]
    fn codes_in_the_shape_of_a_sku_stay() {
        for code in [
            "85123A",
            "BANK CHARGES",
            "gift_0001_20",
            "4006381333931",
            "a/b#c",
            "POST",
        ] {
            assert_eq!(name(code), Some(Named::AsItIs(code.to_owned())));
        }
        assert_eq!(name(" 47503J "), Some(Named::Changed("47503J".to_owned())));
        assert_eq!(name(""), None);
        assert_eq!(name(" \t"), None);
    }

    #[test]
    fn other_codes_get_names_of_that_shape_and_no_two_share_one() {
        let long = "x".repeat(200);
        let longer = "x".repeat(201);
        let codes = ["#1", "a*b", "a+b", "é", "a\0b", "50%", "x/", &long, &longer];
        let mut names: Vec<_> = codes
            .iter()
            .map(|code| match name(code) {
                Some(Named::Changed(name)) => name,
                other => panic!("{code}: {other:?}"),
            })
            .collect();
        assert!(names.iter().all(|name| is_sku(name)), "{names:?}");
        assert_eq!(names[1], name_of("a*b"));
        names.sort();
        names.dedup();
        assert_eq!(names.len(), codes.len());
    }

    fn name_of(code: &str) -> String {
        match name(code) {
            Some(Named::AsItIs(name) | Named::Changed(name)) => name,
            None => panic!("{code} has no name"),
        }
    }

    #[test]
    fn a_made_up_name_is_the_same_in_every_run() {
        assert_eq!(name_of("a*b"), "a_b.15eb0a792505");
    }
}
