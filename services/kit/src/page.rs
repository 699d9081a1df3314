//! Page sizes and opaque page tokens.
//! A token is bound to the filters that it came with: with others it is refused, never misread.

use std::fmt::Display;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::refusal::{Reason, Refusal};
use crate::validate::Violations;

/// Rows of a page when the caller leaves it open.
pub const SIZE_DEFAULT: u32 = 50;

/// Rows of a page at most; more is taken for this.
pub const SIZE_MAX: u32 = 1_000;

/// Bytes of a token at most; a longer one is none of ours.
const TOKEN_BYTES_MAX: usize = 2_048;

/// Bytes of the filters' hash at the token's front.
const HASH_BYTES: usize = 8;

/// Reads a page_size: 0 is 50, more than 1,000 is 1,000, negative is a violation.
pub fn size(v: &mut Violations, field: impl Display, requested: i32) -> u32 {
    match u32::try_from(requested) {
        Ok(0) => SIZE_DEFAULT,
        Ok(size) => size.min(SIZE_MAX),
        Err(_) => {
            v.push(field, "0 to 1,000");
            SIZE_DEFAULT
        }
    }
}

fn hash_of(filters: &impl Serialize) -> [u8; HASH_BYTES] {
    let json = serde_json::to_vec(filters).expect("filters are plain data with string keys");
    let digest: [u8; 32] = Sha256::digest(json).into();
    let mut hash = [0; HASH_BYTES];
    hash.copy_from_slice(&digest[..HASH_BYTES]);
    hash
}

/// Makes the token that continues after `place` in the list with these filters. Both are plain data
/// with string keys: they are kept as JSON.
pub fn encode(place: &impl Serialize, filters: &impl Serialize) -> String {
    let mut bytes = hash_of(filters).to_vec();
    serde_json::to_writer(&mut bytes, place).expect("a place is plain data with string keys");
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads where a token continues; none for an empty token, the first page.
///
/// # Errors
/// PAGE_TOKEN_INVALID if the list did not give it, or gave it for other filters.
pub fn decode<T: DeserializeOwned>(
    token: &str,
    filters: &impl Serialize,
) -> Result<Option<T>, Refusal> {
    if token.is_empty() {
        return Ok(None);
    }
    read(token, filters).map(Some).ok_or_else(|| {
        Refusal::new(
            Reason::PageTokenInvalid,
            "the page_token is not one that this list gave for these filters",
        )
    })
}

fn read<T: DeserializeOwned>(token: &str, filters: &impl Serialize) -> Option<T> {
    if token.len() > TOKEN_BYTES_MAX {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (hash, place) = bytes.split_at_checked(HASH_BYTES)?;
    if hash != hash_of(filters) {
        return None;
    }
    serde_json::from_slice(place).ok()
}

#[cfg(test)]
mod tests {
    use super::{Reason, SIZE_DEFAULT, SIZE_MAX, decode, encode, size};
    use crate::validate::Violations;

    #[test]
    fn a_token_continues_where_it_says() {
        let filters = ("customer", [1, 2]);
        let token = encode(&("sku 7", 12_i64), &filters);
        assert_eq!(
            decode(&token, &filters).unwrap(),
            Some(("sku 7".to_owned(), 12_i64))
        );
        assert_eq!(decode::<i64>("", &filters).unwrap(), None);
    }

    #[test]
    fn a_token_of_other_filters_or_of_nobody_is_refused() {
        let token = encode(&7_i64, &"a");
        let long = "A".repeat(10_000);
        for (token, filters) in [
            (token.as_str(), "b"),
            ("%", "a"),
            ("AAAA", "a"),
            (&token[1..], "a"),
            (&long, "a"),
        ] {
            let refusal = decode::<i64>(token, &filters).unwrap_err();
            assert_eq!(refusal.reason, Reason::PageTokenInvalid, "{token}");
        }
        assert!(decode::<String>(&token, &"a").is_err());
    }

    #[test]
    fn page_sizes_are_0_to_1000() {
        for (requested, expected) in [
            (0, SIZE_DEFAULT),
            (1, 1),
            (1_000, 1_000),
            (1_001, SIZE_MAX),
            (i32::MAX, SIZE_MAX),
        ] {
            let mut v = Violations::new();
            assert_eq!(size(&mut v, "page_size", requested), expected);
            assert!(v.is_empty());
        }
        let mut v = Violations::new();
        size(&mut v, "page_size", -1);
        assert!(!v.is_empty());
    }
}
