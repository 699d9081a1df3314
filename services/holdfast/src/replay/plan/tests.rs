//! Plans of the invented sample, of the real one where it is at hand, and of odd files.
//!
//! The rule: the counts of the samples are written down here, not computed.

use std::{env, path::Path};

use super::{LINES_MAX, Plan};
use crate::replay::{invoice::Unsellable, source};

const INVENTED: &[u8] = include_bytes!("../../../samples/retail.csv");
/// The directory that holds the real sample.
const REAL_VARIABLE: &str = "HOLDFAST_SAMPLE_DATA";
const HEADER: &str = "InvoiceNo,StockCode,Description,Quantity,UnitPrice,CustomerID\n";

fn plan(body: &str) -> Plan {
    Plan::read(format!("{HEADER}{body}").as_bytes()).unwrap()
}

#[test]
fn the_real_sample_has_the_counts_that_are_known() {
    let Some(dir) = env::var_os(REAL_VARIABLE) else {
        println!("passed over: {REAL_VARIABLE} names no directory");
        return;
    };
    let content = source::read(&Path::new(&dir).join("online_retail_2010-12.csv.gz")).unwrap();
    let plan = Plan::read(&content).unwrap();
    let tally = &plan.tally;
    assert_eq!(
        (tally.lines, tally.invoices, tally.cancellations),
        (9_999, 469, 43)
    );
    assert_eq!((tally.sellable, tally.guests, tally.split), (424, 23, 0));
    assert_eq!((tally.cancellation_lines, tally.renamed_lines), (100, 0));
    let left_out: Vec<_> = tally.left_out.clone().into_iter().collect();
    assert_eq!(
        left_out,
        [
            (Unsellable::QuantityNotPositive, 30),
            (Unsellable::PriceNotPositive, 16)
        ]
    );
    assert_eq!((plan.orders.len(), plan.skus.len()), (424, 1_990));
    let lines: usize = plan.orders.iter().map(|order| order.lines.len()).sum();
    let units: i64 = plan.orders.iter().map(super::Order::units).sum();
    assert_eq!((lines, units), (9_853, 90_119));
    assert_eq!(
        plan.orders.iter().map(|order| order.lines.len()).max(),
        Some(593)
    );
    assert_eq!(plan.skus.iter().map(|sku| sku.units).sum::<i64>(), units);
}

#[test]
fn the_invented_sample_has_the_counts_that_are_known() {
    let plan = Plan::read(INVENTED).unwrap();
    let tally = &plan.tally;
    assert_eq!(
        (tally.lines, tally.invoices, tally.cancellations),
        (41, 13, 2)
    );
    assert_eq!((tally.sellable, tally.guests, tally.split), (10, 3, 0));
    assert_eq!((tally.cancellation_lines, tally.renamed_lines), (3, 2));
    let left_out: Vec<_> = tally.left_out.clone().into_iter().collect();
    assert_eq!(
        left_out,
        [
            (Unsellable::Quantity, 1),
            (Unsellable::PriceTooFine, 1),
            (Unsellable::QuantityNotPositive, 2),
            (Unsellable::PriceNotPositive, 2),
        ]
    );
    let names: Vec<_> = plan.skus.iter().map(|sku| sku.name.as_str()).collect();
    assert!(
        names.contains(&"4006381333931") && names.contains(&"GIFT WRAP SMALL"),
        "{names:?}"
    );
    let (lines, units, pence) =
        plan.orders
            .iter()
            .fold((0, 0, 0), |(lines, units, pence), order| {
                (
                    lines + order.lines.len(),
                    units + order.units(),
                    pence + order.total(),
                )
            });
    assert_eq!((lines, units, pence), (32, 4_552, 1_054_084));
}

#[test]
fn lines_with_one_sku_stay_lines_and_are_summed_for_stock() {
    let plan = plan("1,A,Cup,2,1.50,7\n1,B,Jar,1,2,7\n1,A,Cup again,3,1.25,7\n2,A,Cup,4,1.50,8\n");
    let quantities: Vec<_> = plan.orders[0]
        .lines
        .iter()
        .map(|line| line.quantity)
        .collect();
    assert_eq!(quantities, [2, 1, 3]);
    let stock: Vec<_> = plan
        .skus
        .iter()
        .map(|sku| (sku.name.as_str(), sku.title.as_str(), sku.units))
        .collect();
    assert_eq!(stock, [("A", "Cup", 9), ("B", "Jar", 1)]);
    assert_eq!(plan.orders[0].total(), 2 * 150 + 200 + 3 * 125);
}

#[test]
fn lines_of_one_invoice_are_one_order_wherever_they_stand() {
    let plan = plan("1,A,a,1,1,7\n2,A,a,1,1,\n1,B,b,1,1,7\n1,C,c,1,1,8\n2,D,d,1,1,9\n");
    let orders: Vec<_> = plan
        .orders
        .iter()
        .map(|order| {
            (
                order.invoice.as_str(),
                order.customer_id.as_str(),
                order.lines.len(),
            )
        })
        .collect();
    assert_eq!(orders, [("1", "7", 2), ("2", "guest-2", 1)]);
    assert_eq!(
        plan.tally.left_out.get(&Unsellable::OtherCustomer),
        Some(&2)
    );
}

#[test]
fn an_invoice_longer_than_an_order_is_placed_in_parts() {
    let body: String = (0..=LINES_MAX)
        .map(|n| format!("1,S{n},s,1,1,7\n"))
        .collect();
    let plan = plan(&body);
    let parts: Vec<_> = plan
        .orders
        .iter()
        .map(|order| (order.request_id.as_str(), order.lines.len()))
        .collect();
    assert_eq!(parts, [("invoice-1", LINES_MAX), ("invoice-1.2", 1)]);
    assert_eq!((plan.tally.sellable, plan.tally.split), (1, 1));
}

#[test]
fn a_title_is_what_a_title_may_be() {
    let long = "é".repeat(300);
    let plan = plan(&format!("1,A,\"tab\there\nand {long}\",1,1,7\n"));
    let title = &plan.skus[0].title;
    assert!(title.starts_with("tab here and é"), "{title}");
    assert_eq!(title.chars().count(), 256);
}

#[test]
fn an_empty_file_asks_for_nothing() {
    let plan = plan("");
    assert!(plan.orders.is_empty() && plan.skus.is_empty());
    assert_eq!(plan.tally.lines, 0);
}
