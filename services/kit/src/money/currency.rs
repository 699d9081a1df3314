//! Currencies by their ISO 4217 alphabetic codes.
//! Only a code of the standard's list of current currencies and funds is a currency.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The alphabetic codes of ISO 4217, ascending; without XTS (tests) and XXX (none).
const CODES: &str = "\
     AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM \
     BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD \
     BTN BWP BYN BZD CAD CDF CHE CHF CHW CLF CLP \
     CNY COP COU CRC CUC CUP CVE CZK DJF DKK DOP \
     DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP \
     GMD GNF GTQ GYD HKD HNL HRK HTG HUF IDR ILS \
     INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF \
     KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD \
     MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK \
     MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR \
     PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB \
     RWF SAR SBD SCR SDG SEK SGD SHP SLE SLL SOS \
     SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP \
     TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW \
     UZS VED VES VND VUV WST XAF XAG XAU XBA XBB \
     XBC XBD XCD XCG XDR XOF XPD XPF XPT XSU XUA YER \
     ZAR ZMW ZWG ZWL";

/// Bytes from one code of [`CODES`] to the next.
const STRIDE: usize = 4;

/// A currency, as its three capital letters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub struct Currency([u8; 3]);

/// The text is no currency's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an ISO 4217 code")]
pub struct UnknownCurrency;

/// Finds where a code stands in the list.
fn place_of(code: &[u8]) -> Option<usize> {
    let at = |place: usize| &CODES.as_bytes()[place * STRIDE..place * STRIDE + 3];
    let (mut low, mut high) = (0, CODES.len().div_ceil(STRIDE));
    while low < high {
        let middle = usize::midpoint(low, high);
        match at(middle).cmp(code) {
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Greater => high = middle,
            std::cmp::Ordering::Equal => return Some(middle),
        }
    }
    None
}

impl Currency {
    /// ISO 4217's XXX, "no currency": for what has no amount. No text is read as it.
    pub const NONE: Self = Self(*b"XXX");

    /// Gives the three capital letters.
    pub fn as_str(self) -> &'static str {
        if self == Self::NONE {
            return "XXX";
        }
        let place = place_of(&self.0).expect("a currency is only made from the list");
        &CODES[place * STRIDE..place * STRIDE + 3]
    }
}

impl FromStr for Currency {
    type Err = UnknownCurrency;

    fn from_str(code: &str) -> Result<Self, UnknownCurrency> {
        let letters: [u8; 3] = code.as_bytes().try_into().map_err(|_| UnknownCurrency)?;
        place_of(&letters)
            .map(|_| Self(letters))
            .ok_or(UnknownCurrency)
    }
}

impl TryFrom<String> for Currency {
    type Error = UnknownCurrency;

    fn try_from(code: String) -> Result<Self, UnknownCurrency> {
        code.parse()
    }
}

impl From<Currency> for &'static str {
    fn from(currency: Currency) -> Self {
        currency.as_str()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::{CODES, Currency};

    #[test]
    fn every_code_of_the_list_is_found_and_the_list_ascends() {
        let codes: Vec<_> = CODES.split(' ').collect();
        assert!(codes.windows(2).all(|pair| pair[0] < pair[1]));
        for code in codes {
            assert_eq!(code.parse::<Currency>().unwrap().as_str(), code);
        }
    }

    #[test]
    fn other_text_is_no_currency() {
        for code in [
            "", "EU", "EURO", "eur", "XXX", "XTS", "ZZZ", "AAA", "E R", "R E", "\u{20ac}",
        ] {
            assert!(code.parse::<Currency>().is_err(), "{code}");
        }
    }
}
