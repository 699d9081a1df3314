//! Amounts of money: an ISO 4217 currency and a count of its smallest unit.
//! Arithmetic is checked and exact; no amount, on either side of 0, passes 10^15.

mod currency;

use std::fmt::Display;

use holdfast_proto::types;
use serde::{Deserialize, Serialize};

use crate::refusal::{Reason, Refusal};
use crate::validate::Violations;

pub use currency::{Currency, UnknownCurrency};

/// The largest amount, in minor units.
pub const MINOR_UNITS_MAX: i64 = 1_000_000_000_000_000;

/// An amount; negative only where a field says that it is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    /// What it is counted in.
    pub currency: Currency,
    /// How many of the currency's smallest unit, −10^15 to 10^15.
    pub minor_units: i64,
}

/// Why an amount cannot be computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The amounts are in different currencies.
    #[error("two amounts are in different currencies")]
    CurrencyMismatch,
    /// The result passes 10^15 minor units.
    #[error("an amount passes 10^15 minor units")]
    OutOfRange,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let reason = match error {
            Error::CurrencyMismatch => Reason::CurrencyMismatch,
            Error::OutOfRange => Reason::AmountOutOfRange,
        };
        Self::new(reason, error.to_string())
    }
}

impl Money {
    /// Makes an amount.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] if it passes 10^15 minor units.
    pub fn new(currency: Currency, minor_units: i64) -> Result<Self, Error> {
        in_range(minor_units).map(|minor_units| Self {
            currency,
            minor_units,
        })
    }

    /// Makes an amount of nothing.
    pub const fn zero(currency: Currency) -> Self {
        Self {
            currency,
            minor_units: 0,
        }
    }

    /// Adds an amount.
    ///
    /// # Errors
    /// If the currencies differ or the sum passes 10^15 minor units.
    pub fn checked_add(self, other: Self) -> Result<Self, Error> {
        self.same_currency(other)?;
        let sum = self
            .minor_units
            .checked_add(other.minor_units)
            .ok_or(Error::OutOfRange)?;
        Self::new(self.currency, sum)
    }

    /// Takes an amount away.
    ///
    /// # Errors
    /// If the currencies differ or the difference passes 10^15 minor units.
    pub fn checked_sub(self, other: Self) -> Result<Self, Error> {
        self.same_currency(other)?;
        let left = self
            .minor_units
            .checked_sub(other.minor_units)
            .ok_or(Error::OutOfRange)?;
        Self::new(self.currency, left)
    }

    /// Multiplies by a number of units.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] if the product passes 10^15 minor units.
    pub fn checked_mul(self, quantity: i64) -> Result<Self, Error> {
        let product = self
            .minor_units
            .checked_mul(quantity)
            .ok_or(Error::OutOfRange)?;
        Self::new(self.currency, product)
    }

    fn same_currency(self, other: Self) -> Result<(), Error> {
        if self.currency == other.currency {
            Ok(())
        } else {
            Err(Error::CurrencyMismatch)
        }
    }

    /// Gives the amount as the wire has it.
    pub fn to_wire(self) -> types::Money {
        types::Money {
            currency_code: self.currency.as_str().to_owned(),
            minor_units: self.minor_units,
        }
    }

    /// Reads an amount of 0 or more; none, with violations, if it is missing or wrong.
    pub fn from_wire(
        v: &mut Violations,
        field: impl Display,
        wire: Option<&types::Money>,
    ) -> Option<Self> {
        let money = Self::from_wire_signed(v, &field, wire)?;
        if money.minor_units < 0 {
            v.push(format_args!("{field}.minor_units"), "0 to 10^15");
            return None;
        }
        Some(money)
    }

    /// Reads an amount that may be negative; none, with violations, if it is missing or wrong.
    pub fn from_wire_signed(
        v: &mut Violations,
        field: impl Display,
        wire: Option<&types::Money>,
    ) -> Option<Self> {
        let Some(wire) = wire else {
            v.push(field, "required");
            return None;
        };
        let currency = wire.currency_code.parse::<Currency>().ok();
        if currency.is_none() {
            v.push(
                format_args!("{field}.currency_code"),
                "an ISO 4217 code, such as EUR",
            );
        }
        let minor_units = in_range(wire.minor_units).ok();
        if minor_units.is_none() {
            v.push(format_args!("{field}.minor_units"), "at most 10^15");
        }
        Some(Self {
            currency: currency?,
            minor_units: minor_units?,
        })
    }
}

fn in_range(minor_units: i64) -> Result<i64, Error> {
    if (-MINOR_UNITS_MAX..=MINOR_UNITS_MAX).contains(&minor_units) {
        Ok(minor_units)
    } else {
        Err(Error::OutOfRange)
    }
}

#[cfg(test)]
mod tests {
    use super::{Currency, Error, MINOR_UNITS_MAX, Money, types};
    use crate::validate::Violations;

    fn eur(minor_units: i64) -> Money {
        Money {
            currency: "EUR".parse().unwrap(),
            minor_units,
        }
    }

    fn jpy(minor_units: i64) -> Money {
        Money {
            currency: "JPY".parse().unwrap(),
            minor_units,
        }
    }

    #[test]
    fn arithmetic_is_exact_or_refused() {
        assert_eq!(eur(1_999).checked_mul(3), Ok(eur(5_997)));
        assert_eq!(eur(1).checked_add(eur(-3)), Ok(eur(-2)));
        assert_eq!(eur(1).checked_sub(eur(3)), Ok(eur(-2)));
        assert_eq!(
            eur(MINOR_UNITS_MAX).checked_add(eur(0)),
            Ok(eur(MINOR_UNITS_MAX))
        );
        for result in [
            eur(MINOR_UNITS_MAX).checked_add(eur(1)),
            eur(-MINOR_UNITS_MAX).checked_sub(eur(1)),
            eur(MINOR_UNITS_MAX).checked_mul(2),
            eur(MINOR_UNITS_MAX).checked_mul(i64::MAX),
            Money::new(eur(0).currency, i64::MIN),
        ] {
            assert_eq!(result, Err(Error::OutOfRange));
        }
        assert_eq!(eur(1).checked_add(jpy(1)), Err(Error::CurrencyMismatch));
        assert_eq!(eur(1).checked_sub(jpy(1)), Err(Error::CurrencyMismatch));
    }

    fn read(wire: Option<types::Money>) -> Result<Money, Vec<String>> {
        let mut v = Violations::new();
        let money = Money::from_wire(&mut v, "price", wire.as_ref());
        match v.into_result() {
            Ok(()) => Ok(money.unwrap()),
            Err(refusal) => {
                assert_eq!(money, None);
                Err(refusal
                    .field_violations
                    .into_iter()
                    .map(|v| v.field)
                    .collect())
            }
        }
    }

    #[test]
    fn amounts_come_from_the_wire_with_the_path_of_what_is_wrong() {
        let wire = |code: &str, minor_units| {
            Some(types::Money {
                currency_code: code.to_owned(),
                minor_units,
            })
        };
        assert_eq!(read(wire("EUR", 5)), Ok(eur(5)));
        assert_eq!(read(Some(jpy(7).to_wire())), Ok(jpy(7)));
        let (code, units) = (
            "price.currency_code".to_owned(),
            "price.minor_units".to_owned(),
        );
        assert_eq!(read(None), Err(vec!["price".to_owned()]));
        assert_eq!(read(wire("EUR", -1)), Err(vec![units.clone()]));
        assert_eq!(
            read(wire("EUR", MINOR_UNITS_MAX + 1)),
            Err(vec![units.clone()])
        );
        assert_eq!(read(wire("eur", i64::MIN)), Err(vec![code, units]));
        let mut v = Violations::new();
        let signed = Money::from_wire_signed(&mut v, "a", wire("EUR", -1).as_ref());
        assert_eq!((signed, v.is_empty()), (Some(eur(-1)), true));
    }

    #[test]
    fn money_survives_serde_as_code_and_number() {
        let json = serde_json::to_string(&eur(5)).unwrap();
        assert_eq!(json, r#"{"currency":"EUR","minor_units":5}"#);
        assert_eq!(serde_json::from_str::<Money>(&json).unwrap(), eur(5));
        assert!(serde_json::from_str::<Currency>(r#""ZZZ""#).is_err());
    }
}
