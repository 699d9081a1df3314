//! The keys of a replay.
//!
//! The rule: they are functions of the file and of nothing else, frozen by tests: a change would
//! make a resumed replay place everything twice. An order's key comes from its invoice alone, so
//! that two files which share an invoice place it once.

use sha2::{Digest as _, Sha256};

/// Bytes of the file's digest in a key; as hexadecimal digits twice as many.
const DIGEST_BYTES: usize = 10;

/// What tells one file's stock from another's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileKey(String);

impl FileKey {
    /// Makes the key of a file's content, uncompressed.
    pub(super) fn of(content: &[u8]) -> Self {
        let digest = Sha256::digest(content);
        Self(
            digest
                .iter()
                .take(DIGEST_BYTES)
                .map(|byte| format!("{byte:02x}"))
                .collect(),
        )
    }

    /// The request id under which a SKU is put; its scope is the SKU.
    pub(super) fn put(&self) -> String {
        format!("replay-{}", self.0)
    }

    /// The request id under which a SKU is given its stock. Another number of units is another
    /// delivery; one too large for a single call is several `part`s, from 1.
    pub(super) fn stock(&self, units: i64, part: usize) -> String {
        format!("replay-{}-{units}-{part}", self.0)
    }
}

/// The customer of an invoice that names none.
pub(super) fn guest(invoice: &str) -> String {
    format!("guest-{invoice}")
}

/// The request id of an invoice's order; its scope is the customer. An invoice with more lines than
/// an order may have is several `part`s, from 1.
pub(super) fn order(invoice: &str, part: usize) -> String {
    match part {
        1 => format!("invoice-{invoice}"),
        _ => format!("invoice-{invoice}.{part}"),
    }
}

#[cfg(test)]
mod tests {
    use holdfast_kit::validate::{self, Violations};

    use super::{FileKey, guest, order};
    use crate::replay::{STOCK_MAX, invoice::INVOICE_CHARS_MAX};

    #[test]
    fn keys_never_change_from_one_run_or_release_to_the_next() {
        let file = FileKey::of(b"abc");
        assert_eq!(file.put(), "replay-ba7816bf8f01cfea4141");
        assert_eq!(file.stock(12, 1), "replay-ba7816bf8f01cfea4141-12-1");
        assert_eq!(guest("536544"), "guest-536544");
        assert_eq!(order("536365", 1), "invoice-536365");
        assert_eq!(order("536365", 2), "invoice-536365.2");
    }

    #[test]
    fn another_file_or_amount_is_another_delivery() {
        let (one, other) = (FileKey::of(b"one"), FileKey::of(b"other"));
        assert_ne!(one.stock(5, 1), other.stock(5, 1));
        assert_ne!(one.stock(5, 1), one.stock(6, 1));
        assert_ne!(one.stock(5, 1), one.stock(5, 2));
    }

    #[test]
    fn the_longest_keys_have_the_shape_of_a_callers_id() {
        let invoice = "9".repeat(INVOICE_CHARS_MAX);
        let file = FileKey::of(b"");
        let mut violations = Violations::new();
        for key in [
            file.put(),
            file.stock(i64::MAX, usize::try_from(i64::MAX / STOCK_MAX).unwrap()),
            file.stock(STOCK_MAX, 1),
            guest(&invoice),
            order(&invoice, 999),
        ] {
            validate::caller_id(&mut violations, "key", &key);
        }
        violations.into_result().unwrap();
    }
}
