//! What is in a file, counted.
//!
//! The rule: lines are those of orders, of cancellations, and those left out; nothing is missing.

use std::{collections::BTreeMap, fmt};

use crate::replay::invoice::Unsellable;

/// Counts of a file's lines and invoices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::replay) struct Tally {
    /// Lines below the header.
    pub(in crate::replay) lines: u64,
    /// Invoices that are not cancellations.
    pub(in crate::replay) invoices: usize,
    /// Those with a line that can be sold.
    pub(in crate::replay) sellable: usize,
    /// Those of them that name no customer.
    pub(in crate::replay) guests: usize,
    /// Those of them that are more than one order.
    pub(in crate::replay) split: usize,
    /// Invoices that take goods back.
    pub(in crate::replay) cancellations: usize,
    /// Their lines.
    pub(in crate::replay) cancellation_lines: u64,
    /// Lines whose stock code is no SKU, and was changed into one.
    pub(in crate::replay) renamed_lines: u64,
    /// Lines that are in no order, by kind.
    pub(in crate::replay) left_out: BTreeMap<Unsellable, u64>,
}

impl Tally {
    pub(super) fn leave_out(&mut self, kind: Unsellable) {
        *self.left_out.entry(kind).or_default() += 1;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            lines,
            invoices,
            sellable,
            guests,
            cancellations,
            ..
        } = self;
        let all = invoices + cancellations;
        writeln!(f, "file      {lines} lines of {all} invoices")?;
        writeln!(
            f,
            "          {invoices} not C, {sellable} of them with a line that can be sold"
        )?;
        writeln!(f, "          {guests} of those from guests")?;
        let returned = self.cancellation_lines;
        write!(
            f,
            "          {cancellations} C with {returned} lines: returns are not replayed yet"
        )?;
        let left_out: u64 = self.left_out.values().sum();
        write!(f, "\nleft out  {left_out} lines that no shop could sell")?;
        for (kind, count) in &self.left_out {
            write!(f, "\n          {count} {kind}")?;
        }
        let (renamed, split) = (self.renamed_lines, self.split);
        if renamed > 0 {
            write!(
                f,
                "\nrenamed   {renamed} lines whose stock code is not a SKU's shape"
            )?;
        }
        if split > 0 {
            write!(
                f,
                "\nsplit     {split} invoices with more lines than one order may have"
            )?;
        }
        Ok(())
    }
}
