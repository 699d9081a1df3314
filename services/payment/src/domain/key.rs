//! The provider's idempotency key: a function of the payment, the method, the request_id and the
//! definite declines before it, never random, so that whoever asks again asks for the same thing.

use std::fmt::{self, Write};

use holdfast_kit::id::PaymentId;

use super::Method;

/// The key under which the provider does an operation at most once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ProviderKey(String);

impl ProviderKey {
    /// Derives the key of an operation.
    ///
    /// `/` and `#` cannot stand in a request_id, so that no two operations share a key.
    pub fn derive(payment: PaymentId, method: Method, request_id: &str, declines: usize) -> Self {
        let mut key = format!("{payment}/{}", method.name());
        if !request_id.is_empty() {
            key.push('/');
            key.push_str(request_id);
        }
        if declines > 0 {
            write!(key, "#{declines}").expect("a String takes whatever is written to it");
        }
        Self(key)
    }

    /// Takes a key from its column.
    pub fn from_stored(key: String) -> Self {
        Self(key)
    }

    /// Gives the key as it travels and is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProviderKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{Method, ProviderKey};

    #[test]
    fn provider_keys_are_frozen() {
        let payment = "018f0000-0000-7000-8000-000000000001".parse().unwrap();
        let key = |method, request_id, declines| {
            ProviderKey::derive(payment, method, request_id, declines).to_string()
        };
        assert_eq!(
            key(Method::Authorize, "", 0),
            "018f0000-0000-7000-8000-000000000001/authorize"
        );
        assert_eq!(
            key(Method::Authorize, "again", 2),
            "018f0000-0000-7000-8000-000000000001/authorize/again#2"
        );
        assert_eq!(
            key(Method::Refund, "@reverse", 0),
            "018f0000-0000-7000-8000-000000000001/refund/@reverse"
        );
    }
}
