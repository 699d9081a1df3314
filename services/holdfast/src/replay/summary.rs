//! What a replay did, in a few lines.
//!
//! The rule: nothing in the file goes unmentioned.

use std::{fmt, time::Duration};

use super::{place::Placed, plan::Plan};

/// What a replay did.
pub(super) struct Summary<'a> {
    pub(super) plan: &'a Plan,
    pub(super) placed: &'a Placed,
    /// SKUs that had not been given this stock before.
    pub(super) new_skus: usize,
    /// How long placing the orders took.
    pub(super) placing: Duration,
    /// How long it all took.
    pub(super) whole: Duration,
}

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            plan,
            placed,
            new_skus,
            ..
        } = self;
        writeln!(f, "{}", plan.tally)?;
        writeln!(
            f,
            "stock     {} SKUs, {new_skus} of them stocked now",
            plan.skus.len()
        )?;
        writeln!(
            f,
            "orders    {} placed, {} of them before",
            plan.orders.len(),
            placed.replayed
        )?;
        writeln!(f, "          {} CONFIRMED", placed.confirmed)?;
        for (reason, count) in &placed.rejected {
            writeln!(f, "          {count} REJECTED {reason}")?;
        }
        for (reason, count) in &placed.refused {
            writeln!(f, "          {count} refused {reason}")?;
        }
        if placed.unknown > 0 {
            writeln!(f, "          {} unknown", placed.unknown)?;
        }
        for told in &placed.told {
            writeln!(f, "          {told}")?;
        }
        let (pounds, pence) = (placed.pence / 100, placed.pence % 100);
        let (lines, units) = (placed.lines, placed.units);
        writeln!(
            f,
            "confirmed {lines} lines, {units} units, {pounds}.{pence:02} GBP"
        )?;
        let seconds = self.placing.as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let rate = plan.orders.len() as f64 / seconds.max(f64::MIN_POSITIVE);
        let whole = self.whole.as_secs_f64();
        write!(
            f,
            "time      {seconds:.1} s for the orders, {rate:.0} a second; {whole:.1} s so far"
        )
    }
}
