//! The orders of a run.
//!
//! The rule: an order is a function of its number, so that it can be sent again at any time under
//! the same key without having been kept.

use std::fmt::{self, Write as _};

use holdfast_proto::{
    order::{OrderLine, PlaceOrderRequest},
    types::Money,
};

/// How many customers place them.
const CUSTOMERS: u64 = 10_000;
/// What one unit costs, in cents.
const UNIT_PRICE: i64 = 1_250;
/// The orders' currency.
const CURRENCY: &str = "EUR";
/// How they are paid.
const PAYMENT_METHOD: &str = "tok_ok";

/// The orders of a run, by number.
#[derive(Clone, Debug)]
pub(super) struct Workload {
    run: String,
    skus: Vec<String>,
    lines: usize,
    hot: bool,
}

impl Workload {
    /// Makes the orders of a new run, whose keys no other run has.
    pub(super) fn new(skus: usize, lines: usize, hot: bool) -> Self {
        let run = format!("{:x}", chrono::Utc::now().timestamp_micros());
        Self::of_run(run, skus, lines, hot)
    }

    fn of_run(run: String, skus: usize, lines: usize, hot: bool) -> Self {
        let skus = (0..skus)
            .map(|number| format!("BENCH-{number:06}"))
            .collect();
        Self {
            run,
            skus,
            lines,
            hot,
        }
    }

    /// What this run's keys begin with.
    pub(super) fn run(&self) -> &str {
        &self.run
    }

    /// All SKUs that orders are for.
    pub(super) fn skus(&self) -> &[String] {
        &self.skus
    }

    /// Lines of an order.
    pub(super) fn lines(&self) -> usize {
        self.lines
    }

    /// Whether the first line is always for the first SKU.
    pub(super) fn hot(&self) -> bool {
        self.hot
    }

    /// Writes order number `number` over another one, whose memory it uses again.
    pub(super) fn write(&self, number: u64, order: &mut PlaceOrderRequest) {
        let rewrite = |text: &mut String, arguments: fmt::Arguments<'_>| {
            text.clear();
            text.write_fmt(arguments).expect("a string takes all text");
        };
        rewrite(
            &mut order.customer_id,
            format_args!("bench-{}", number % CUSTOMERS),
        );
        rewrite(&mut order.request_id, format_args!("{}-{number}", self.run));
        PAYMENT_METHOD.clone_into(&mut order.payment_method);
        order.lines.resize_with(self.lines, line);
        for (place, line) in order.lines.iter_mut().enumerate() {
            line.sku.clone_from(self.sku(number, place));
        }
    }

    /// Order number `number`.
    pub(super) fn order(&self, number: u64) -> PlaceOrderRequest {
        let mut order = PlaceOrderRequest::default();
        self.write(number, &mut order);
        order
    }

    fn sku(&self, number: u64, line: usize) -> &String {
        let sku = match (self.hot, line) {
            (true, 0) => 0,
            _ => self.spread(number) + line,
        };
        &self.skus[sku % self.skus.len()]
    }

    /// Where an order's SKUs begin.
    fn spread(&self, number: u64) -> usize {
        let skus = self.skus.len() as u64;
        usize::try_from(mix(number) % skus).expect("less than the number of SKUs")
    }
}

/// A line for one unit; its SKU is still to be set.
fn line() -> OrderLine {
    OrderLine {
        quantity: 1,
        unit_price: Some(Money {
            currency_code: CURRENCY.to_owned(),
            minor_units: UNIT_PRICE,
        }),
        ..OrderLine::default()
    }
}

/// Spreads the bits of a number (the finalizer of SplitMix64, Steele et al., 2014).
const fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeSet, HashMap};

    use super::Workload;

    fn workload(skus: usize, lines: usize, hot: bool) -> Workload {
        Workload::of_run("run".to_owned(), skus, lines, hot)
    }

    #[test]
    fn an_order_is_a_function_of_its_number_and_no_two_share_a_key() {
        let workload = workload(100, 3, false);
        assert_eq!(workload.order(7), workload.order(7));
        let keys: BTreeSet<_> = (0..20_000)
            .map(|n| workload.order(n))
            .map(|o| (o.customer_id, o.request_id))
            .collect();
        assert_eq!(keys.len(), 20_000);
    }

    #[test]
    fn an_order_written_over_another_is_the_same_as_a_new_one() {
        let (short, long) = (workload(100, 1, false), workload(100, 3, true));
        let mut order = long.order(1);
        for number in 0..100 {
            short.write(number, &mut order);
            assert_eq!(order, short.order(number));
            long.write(number, &mut order);
            assert_eq!(order, long.order(number));
        }
    }

    #[test]
    fn lines_of_an_order_are_for_different_skus_spread_evenly() {
        let workload = workload(50, 3, false);
        let mut seen: HashMap<String, usize> = HashMap::new();
        for number in 0..10_000 {
            let order = workload.order(number);
            let skus: BTreeSet<_> = order.lines.into_iter().map(|line| line.sku).collect();
            assert_eq!(skus.len(), 3);
            for sku in skus {
                *seen.entry(sku).or_default() += 1;
            }
        }
        assert_eq!(seen.len(), 50);
        assert!(
            seen.values().all(|count| (450..750).contains(count)),
            "{seen:?}"
        );
    }

    #[test]
    fn a_hot_run_sells_one_sku_in_every_order() {
        let workload = workload(50, 2, true);
        let orders: Vec<_> = (0..100).map(|number| workload.order(number)).collect();
        assert!(
            orders
                .iter()
                .all(|order| order.lines[0].sku == "BENCH-000000")
        );
        assert!(
            orders
                .iter()
                .any(|order| order.lines[1].sku != orders[0].lines[1].sku)
        );
    }
}
