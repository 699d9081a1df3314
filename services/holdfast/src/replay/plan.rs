//! What a file asks for: the orders to place, the SKUs that they need, and what is left out.
//!
//! The rule: it is a function of the file's content alone, and every line is in an order, in a
//! cancellation or counted as unsellable.

mod tally;

use std::collections::{HashMap, HashSet};

use super::{
    invoice::{self, Kind, Sale},
    keys::{self, FileKey},
    sku::Named,
    source::{self, Row},
};

pub(super) use tally::Tally;

/// Lines of one order at the most; a longer invoice is several orders.
const LINES_MAX: usize = 1_000;
/// Characters of a title at the most.
const TITLE_CHARS_MAX: usize = 256;

/// A SKU that the file sells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sku {
    pub(super) name: String,
    /// As it was first described.
    pub(super) title: String,
    /// All that the file sells.
    pub(super) units: i64,
}

/// A line of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// The SKU's place in [`Plan::skus`].
    pub(super) sku: usize,
    pub(super) quantity: i64,
    /// In pence.
    pub(super) unit_price: i64,
}

/// An order, for an invoice with a line that can be sold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) invoice: String,
    pub(super) customer_id: String,
    pub(super) request_id: String,
    pub(super) lines: Vec<Line>,
}

impl Order {
    /// What it comes to, in pence.
    pub(super) fn total(&self) -> i128 {
        let amount = |line: &Line| i128::from(line.quantity) * i128::from(line.unit_price);
        self.lines.iter().map(amount).sum()
    }

    /// Units of all lines.
    pub(super) fn units(&self) -> i64 {
        self.lines.iter().map(|line| line.quantity).sum()
    }
}

/// What a file asks for.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) key: FileKey,
    /// In the order in which their invoices begin.
    pub(super) orders: Vec<Order>,
    /// In the order in which they are first sold.
    pub(super) skus: Vec<Sku>,
    pub(super) tally: Tally,
}

impl Plan {
    /// Reads the content of a CSV file.
    ///
    /// # Errors
    /// If a column is missing.
    pub(super) fn read(content: &[u8]) -> anyhow::Result<Self> {
        let mut builder = Builder::default();
        for row in source::rows(content)? {
            builder.tally.lines += 1;
            match row {
                Ok(row) => builder.add(&row),
                Err(source::BrokenRow) => builder.tally.leave_out(invoice::Unsellable::Row),
            }
        }
        Ok(builder.finish(FileKey::of(content)))
    }
}

/// An invoice that is not a cancellation, as far as it was read.
struct Invoice {
    number: String,
    customer: Option<String>,
    lines: Vec<Line>,
}

#[derive(Default)]
struct Builder {
    invoices: Vec<Invoice>,
    places: HashMap<String, usize>,
    cancellations: HashSet<String>,
    skus: Vec<Sku>,
    sku_places: HashMap<String, usize>,
    tally: Tally,
}

impl Builder {
    fn add(&mut self, row: &Row) {
        match invoice::kind(row) {
            Ok(Kind::Cancellation) => {
                self.cancellations.insert(row.invoice.clone());
                self.tally.cancellation_lines += 1;
            }
            Ok(Kind::Sale) => {
                if let Err(unsellable) = self.add_sale(row) {
                    self.tally.leave_out(unsellable);
                }
            }
            Err(unsellable) => self.tally.leave_out(unsellable),
        }
    }

    fn add_sale(&mut self, row: &Row) -> Result<(), invoice::Unsellable> {
        let place = *self.places.entry(row.invoice.clone()).or_insert_with(|| {
            self.invoices.push(Invoice {
                number: row.invoice.clone(),
                customer: None,
                lines: Vec::new(),
            });
            self.invoices.len() - 1
        });
        let customer = invoice::customer(row)?;
        let first = self.invoices[place]
            .customer
            .get_or_insert_with(|| customer.clone());
        if *first != customer {
            return Err(invoice::Unsellable::OtherCustomer);
        }
        let sale = invoice::sale(row)?;
        let line = self.line(sale, &row.description);
        self.invoices[place].lines.push(line);
        Ok(())
    }

    fn line(&mut self, sale: Sale, description: &str) -> Line {
        let Sale {
            sku,
            quantity,
            unit_price,
        } = sale;
        let name = match sku {
            Named::AsItIs(name) => name,
            Named::Changed(name) => {
                self.tally.renamed_lines += 1;
                name
            }
        };
        let place = *self.sku_places.entry(name).or_insert_with_key(|name| {
            let (name, title) = (name.clone(), title(description));
            self.skus.push(Sku {
                name,
                title,
                units: 0,
            });
            self.skus.len() - 1
        });
        self.skus[place].units += quantity;
        Line {
            sku: place,
            quantity,
            unit_price,
        }
    }

    fn finish(self, key: FileKey) -> Plan {
        let mut tally = self.tally;
        tally.invoices = self.invoices.len();
        tally.cancellations = self.cancellations.len();
        let mut orders = Vec::with_capacity(self.invoices.len());
        for Invoice {
            number,
            customer,
            lines,
        } in self.invoices
        {
            let Some(customer_id) = customer.filter(|_| !lines.is_empty()) else {
                continue;
            };
            tally.sellable += 1;
            tally.guests += usize::from(customer_id == keys::guest(&number));
            tally.split += usize::from(lines.len() > LINES_MAX);
            for (lines, part) in lines.chunks(LINES_MAX).zip(1..) {
                orders.push(Order {
                    invoice: number.clone(),
                    customer_id: customer_id.clone(),
                    request_id: keys::order(&number, part),
                    lines: lines.to_vec(),
                });
            }
        }
        Plan {
            key,
            orders,
            skus: self.skus,
            tally,
        }
    }
}

/// A description in the shape of a title.
fn title(description: &str) -> String {
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    description
        .chars()
        .map(clean)
        .take(TITLE_CHARS_MAX)
        .collect()
}

#[cfg(test)]
mod tests;
