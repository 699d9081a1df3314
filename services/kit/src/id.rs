//! Ids that the system makes: UUIDv7 whose last bits hold the customer's shard.
//! The shard function is frozen: every key of the order and payment databases leads with it, so its
//! test vectors never change.

use std::fmt;
use std::str::FromStr;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// How many of an id's last bits hold the shard.
pub const SHARD_BITS: u32 = 10;

const SHARD_MASK: u16 = (1 << SHARD_BITS) - 1;

/// Length of the hyphenated text of a UUID.
const TEXT_LENGTH: usize = 36;

/// The part of the key space that a customer belongs to, 0 to 1,023.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shard(u16);

impl Shard {
    /// Gives a customer's shard: the first 10 bits of SHA-256 of the customer id's bytes.
    pub fn of_customer(customer_id: &str) -> Self {
        let digest = Sha256::digest(customer_id.as_bytes());
        let first = u16::from_be_bytes([digest[0], digest[1]]);
        Self(first >> (u16::BITS - SHARD_BITS))
    }

    /// Takes the shard back from its column; nothing else than 0 to 1,023 is one.
    pub fn from_column(value: i16) -> Option<Self> {
        u16::try_from(value)
            .ok()
            .filter(|shard| *shard <= SHARD_MASK)
            .map(Self)
    }

    /// Gives the shard as its column holds it.
    pub const fn get(self) -> i16 {
        self.0.cast_signed()
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The text is not the 36 hyphenated characters of a UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the hyphenated text of a UUID")]
pub struct InvalidId;

fn with_shard(uuid: Uuid, shard: Shard) -> Uuid {
    Uuid::from_u128(uuid.as_u128() & !u128::from(SHARD_MASK) | u128::from(shard.0))
}

fn shard_of(uuid: Uuid) -> Shard {
    let bytes = uuid.as_bytes();
    Shard(u16::from_be_bytes([bytes[14], bytes[15]]) & SHARD_MASK)
}

fn create_time_of(uuid: Uuid) -> Option<DateTime<Utc>> {
    if uuid.get_version_num() != 7 {
        return None;
    }
    let (seconds, nanoseconds) = uuid.get_timestamp()?.to_unix();
    DateTime::from_timestamp(i64::try_from(seconds).ok()?, nanoseconds)
}

macro_rules! system_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Makes a new id in the shard; ids of one process ascend, but for the shard's bits.
            pub fn generate(shard: Shard) -> Self {
                Self(with_shard(Uuid::now_v7(), shard))
            }

            /// Gives the shard that the id carries.
            pub fn shard(self) -> Shard {
                shard_of(self.0)
            }

            /// Gives the id as its column holds it.
            pub const fn as_uuid(self) -> Uuid {
                self.0
            }

            /// Takes the id from its column.
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// Takes the id from the 16 bytes that a batch carries; any other length is none.
            pub fn from_wire_bytes(bytes: &[u8]) -> Option<Self> {
                Uuid::from_slice(bytes).ok().map(Self)
            }

            /// Gives the 16 bytes that a batch carries.
            pub fn to_wire_bytes(self) -> Bytes {
                Bytes::copy_from_slice(self.0.as_bytes())
            }

            /// Gives the time in the id, to the millisecond, by the clock of the process that made
            /// it; none if the id is not a UUIDv7.
            pub fn create_time(self) -> Option<DateTime<Utc>> {
                create_time_of(self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                if text.len() != TEXT_LENGTH {
                    return Err(InvalidId);
                }
                Uuid::try_parse(text).map(Self).map_err(|_| InvalidId)
            }
        }
    };
}

system_id! {
    /// The id of an order, and of the saga that places it.
    OrderId
}

system_id! {
    /// The id of a payment; a saga's payment has its order's.
    PaymentId
}

impl From<OrderId> for PaymentId {
    fn from(order: OrderId) -> Self {
        Self(order.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{OrderId, PaymentId, Shard};

    #[test]
    fn shards_of_customers_are_frozen() {
        let vectors = [
            ("", 910),
            ("abc", 745),
            ("c1", 835),
            ("customer-1", 928),
            ("guest-536365", 404),
            ("17850", 513),
        ];
        let found: Vec<_> = vectors
            .iter()
            .map(|(id, _)| (*id, Shard::of_customer(id).get()))
            .collect();
        assert_eq!(found, vectors);
    }

    #[test]
    fn an_id_carries_its_shard_and_its_time() {
        for customer in ["a", "b", "guest-536365"] {
            let shard = Shard::of_customer(customer);
            let id = OrderId::generate(shard);
            assert_eq!(id.shard(), shard);
            assert_eq!(id.as_uuid().get_version_num(), 7);
            let age = chrono::Utc::now() - id.create_time().unwrap();
            assert!(age.num_seconds().abs() < 60, "{age}");
        }
    }

    #[test]
    fn ids_of_one_process_ascend_apart_from_the_shard() {
        let shard = Shard::of_customer("a");
        let ids: Vec<_> = (0..10_000).map(|_| OrderId::generate(shard)).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn an_id_survives_text_bytes_and_serde() {
        let id = OrderId::generate(Shard::of_customer("a"));
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(OrderId::from_wire_bytes(&id.to_wire_bytes()), Some(id));
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(json, format!("\"{id}\""));
        assert_eq!(serde_json::from_str::<OrderId>(&json).unwrap(), id);
        assert_eq!(PaymentId::from(id).as_uuid(), id.as_uuid());
        assert_eq!(PaymentId::from(id).shard(), id.shard());
    }

    #[test]
    fn what_is_not_an_id_is_refused() {
        for text in [
            "",
            "1",
            "{018f0000-0000-7000-8000-000000000000}",
            "018f00000000700080000000000000",
        ] {
            assert!(text.parse::<OrderId>().is_err(), "{text}");
        }
        assert_eq!(OrderId::from_wire_bytes(&[0; 15]), None);
        assert_eq!(OrderId::from_wire_bytes(&[0; 17]), None);
        assert_eq!(OrderId::from_uuid(uuid::Uuid::nil()).create_time(), None);
    }

    #[test]
    fn a_column_outside_the_shards_is_none() {
        assert_eq!(Shard::from_column(1_023).map(Shard::get), Some(1_023));
        assert_eq!(Shard::from_column(1_024), None);
        assert_eq!(Shard::from_column(-1), None);
    }
}
