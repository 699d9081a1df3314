//! One line of an invoice: what it sells, or why no shop could sell it.
//!
//! The rule: the first thing that is wrong with a line decides its kind, and every line has one.

use std::fmt;

use holdfast_kit::validate::{self, QUANTITY_MAX, Violations};

use super::{
    keys,
    price::{self, NotAPrice},
    sku::{self, Named},
    source::Row,
};

/// Characters of an invoice's number; with what keys add they fit into a caller's id.
pub(super) const INVOICE_CHARS_MAX: usize = 48;
/// What the number of a cancellation begins with.
const CANCELLATION: [char; 2] = ['C', 'c'];

/// Which invoice a line belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Goods that were sold.
    Sale,
    /// Goods that came back.
    Cancellation,
}

/// A line that can be sold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sale {
    pub(super) sku: Named,
    pub(super) quantity: i64,
    /// In pence.
    pub(super) unit_price: i64,
}

/// Why a line is not sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Unsellable {
    Row,
    Invoice,
    Customer,
    OtherCustomer,
    Code,
    Quantity,
    QuantityTooLarge,
    Price,
    PriceTooFine,
    PriceTooLarge,
    QuantityNotPositive,
    PriceNotPositive,
}

impl fmt::Display for Unsellable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Row => "malformed: columns are missing",
            Self::Invoice => "malformed: the invoice number is no id",
            Self::Customer => "malformed: the customer is no id",
            Self::OtherCustomer => "malformed: another customer than in the invoice's first line",
            Self::Code => "malformed: no stock code",
            Self::Quantity => "malformed: the quantity is no whole number",
            Self::QuantityTooLarge => "malformed: the quantity is past 1,000,000",
            Self::Price => "malformed: the price is no decimal number",
            Self::PriceTooFine => "malformed: the price is no whole number of pence",
            Self::PriceTooLarge => "malformed: the price is past 10^15 pence",
            Self::QuantityNotPositive => "quantity not positive",
            Self::PriceNotPositive => "price not positive",
        })
    }
}

/// Tells what the invoice of a line is.
///
/// # Errors
/// If its number cannot be part of a key.
pub(super) fn kind(row: &Row) -> Result<Kind, Unsellable> {
    if row.invoice.len() > INVOICE_CHARS_MAX || !is_id(&row.invoice) {
        return Err(Unsellable::Invoice);
    }
    Ok(if row.invoice.starts_with(CANCELLATION) {
        Kind::Cancellation
    } else {
        Kind::Sale
    })
}

/// Gives whose order a line is of.
///
/// # Errors
/// If the customer's number cannot be a customer id.
pub(super) fn customer(row: &Row) -> Result<String, Unsellable> {
    match row.customer.as_str() {
        "" => Ok(keys::guest(&row.invoice)),
        customer if is_id(customer) => Ok(customer.to_owned()),
        _ => Err(Unsellable::Customer),
    }
}

/// Reads what a line sells.
///
/// # Errors
/// Why no shop could sell it.
pub(super) fn sale(row: &Row) -> Result<Sale, Unsellable> {
    let sku = sku::name(&row.code).ok_or(Unsellable::Code)?;
    let quantity: i64 = row.quantity.parse().map_err(|_| Unsellable::Quantity)?;
    let unit_price = price::minor_units(&row.unit_price).map_err(|not| match not {
        NotAPrice::Malformed => Unsellable::Price,
        NotAPrice::TooFine => Unsellable::PriceTooFine,
        NotAPrice::TooLarge => Unsellable::PriceTooLarge,
    })?;
    match (quantity, unit_price) {
        (..=0, _) => Err(Unsellable::QuantityNotPositive),
        (_, ..=0) => Err(Unsellable::PriceNotPositive),
        (quantity, _) if quantity > QUANTITY_MAX => Err(Unsellable::QuantityTooLarge),
        (quantity, unit_price) => Ok(Sale {
            sku,
            quantity,
            unit_price,
        }),
    }
}

fn is_id(text: &str) -> bool {
    let mut violations = Violations::new();
    validate::caller_id(&mut violations, "id", text);
    violations.is_empty()
}

#[cfg(test)]
mod tests {
    use super::{Kind, Row, Sale, Unsellable, customer, kind, sale};
    use crate::replay::sku::Named;

    fn row() -> Row {
        Row {
            invoice: "536365".to_owned(),
            code: "85123A".to_owned(),
            description: "HOLDER".to_owned(),
            quantity: "6".to_owned(),
            unit_price: "2.55".to_owned(),
            customer: "17850".to_owned(),
        }
    }

    #[test]
    fn a_good_line_is_sold_as_it_stands() {
        let sku = Named::AsItIs("85123A".to_owned());
        assert_eq!(
            sale(&row()),
            Ok(Sale {
                sku,
                quantity: 6,
                unit_price: 255
            })
        );
    }

    #[test]
    fn every_line_that_is_not_sold_has_one_kind() {
        for (quantity, unit_price, kind) in [
            ("0", "2.55", Unsellable::QuantityNotPositive),
            ("-6", "0", Unsellable::QuantityNotPositive),
            ("6", "0.00", Unsellable::PriceNotPositive),
            ("6", "-11062.06", Unsellable::PriceNotPositive),
            ("six", "2.55", Unsellable::Quantity),
            ("6.0", "2.55", Unsellable::Quantity),
            ("99999999999999999999", "2.55", Unsellable::Quantity),
            ("1000001", "2.55", Unsellable::QuantityTooLarge),
            ("6", "", Unsellable::Price),
            ("6", "0.001", Unsellable::PriceTooFine),
            ("6", "99999999999999", Unsellable::PriceTooLarge),
            ("-6", "x", Unsellable::Price),
        ] {
            let (quantity, unit_price) = (quantity.to_owned(), unit_price.to_owned());
            assert_eq!(
                sale(&Row {
                    quantity,
                    unit_price,
                    ..row()
                }),
                Err(kind)
            );
        }
        assert_eq!(
            sale(&Row {
                code: " ".to_owned(),
                ..row()
            }),
            Err(Unsellable::Code)
        );
    }

    #[test]
    fn cancellations_begin_with_c_and_numbers_have_the_shape_of_an_id() {
        for (invoice, expected) in [
            ("536365", Ok(Kind::Sale)),
            ("A563185", Ok(Kind::Sale)),
            ("C536379", Ok(Kind::Cancellation)),
            ("c1", Ok(Kind::Cancellation)),
            ("", Err(Unsellable::Invoice)),
            ("53 65", Err(Unsellable::Invoice)),
            (&"1".repeat(49), Err(Unsellable::Invoice)),
        ] {
            assert_eq!(
                kind(&Row {
                    invoice: invoice.to_owned(),
                    ..row()
                }),
                expected
            );
        }
    }

    #[test]
    fn who_gives_no_number_is_a_guest_of_one_invoice() {
        assert_eq!(customer(&row()), Ok("17850".to_owned()));
        let guest = Row {
            customer: String::new(),
            ..row()
        };
        assert_eq!(customer(&guest), Ok("guest-536365".to_owned()));
        let strange = Row {
            customer: "17 850".to_owned(),
            ..row()
        };
        assert_eq!(customer(&strange), Err(Unsellable::Customer));
    }
}
