//! What a decided order lacks: its stock (I5) or its money (O2); or what a rejected or cancelled one
//! still keeps (O3). Nothing here reads.

use super::order::{
    ALLOCATED, CANCELLED, CONFIRMED, Order, REJECTED, Reservation, Units, difference, units,
};
use crate::finding::Row;
use crate::money::{Payment, row_of};
use crate::predicate::PredicateId::{self, I5, O2, O3};
use crate::tally::Fault;

/// `orders.capture`.
const ON_CONFIRM: i16 = 1;

/// What is wrong with an order's stock.
#[derive(Debug)]
pub(super) struct WrongStock {
    /// The finding; none where the reservation's own row is wrong, which I4 reports.
    pub(super) fault: Option<Fault>,
    /// Units by SKU that it should keep and does not, or the other way round.
    pub(super) difference: Units,
}

/// Compares a decided order with its reservation.
pub(super) fn stock(
    order: &Order,
    reservation: Option<&Reservation>,
    asked: impl Fn(PredicateId) -> bool,
) -> Option<WrongStock> {
    let (predicate, wanted) = match order.state {
        CONFIRMED => (I5, order.lines.as_deref().and_then(units)),
        REJECTED | CANCELLED => (O3, Some(Units::new())),
        _ => return None,
    };
    let kept = reservation.map_or_else(|| Some(Units::new()), Reservation::kept);
    let (message, difference) = match (&wanted, &kept) {
        (Some(wanted), Some(kept)) => {
            let difference = difference(wanted, kept);
            if difference.is_empty() {
                return None;
            }
            (
                stock_message(order, reservation, wanted, &difference),
                difference,
            )
        }
        (None, _) => (
            "has lines that cannot be understood".to_owned(),
            Units::new(),
        ),
        (_, None) => (
            "has a reservation that cannot be understood".to_owned(),
            Units::new(),
        ),
    };
    let own = reservation.is_some_and(|it| !it.is_coherent()) && asked(PredicateId::I4);
    let rows = std::iter::once(order.row()).chain(reservation.map(Reservation::row));
    let fault = (!own).then(|| fault(predicate, order, &message, rows));
    Some(WrongStock { fault, difference })
}

fn stock_message(
    order: &Order,
    reservation: Option<&Reservation>,
    wanted: &Units,
    difference: &Units,
) -> String {
    let (sku, lacking) = difference
        .iter()
        .next()
        .expect("an empty difference is no message");
    let ordered = wanted.get(sku).copied().unwrap_or_default();
    match reservation {
        None => "is confirmed and has no reservation".to_owned(),
        Some(it) if it.state != ALLOCATED => {
            format!("is confirmed, and its reservation is in state {}", it.state)
        }
        Some(_) if order.state != CONFIRMED => {
            format!(
                "{}, and its reservation keeps {} of {sku}",
                ended(order),
                -lacking
            )
        }
        Some(_) => format!(
            "has {ordered} of {sku}, and its reservation keeps {}; {} SKUs differ",
            ordered - lacking,
            difference.len()
        ),
    }
}

/// Compares a decided order with its payment.
pub(super) fn money(
    order: &Order,
    payment: Option<&Payment>,
    asked: impl Fn(PredicateId) -> bool,
) -> Option<Fault> {
    let (predicate, message) = match order.state {
        CONFIRMED => (O2, unpaid(order, payment, asked)?),
        REJECTED | CANCELLED => (O3, unreturned(order, payment?)?),
        _ => return None,
    };
    let rows = std::iter::once(order.row()).chain(payment.map(row_of));
    Some(fault(predicate, order, &message, rows))
}

/// Why a confirmed order does not have exactly one live charge or authorization of its total.
fn unpaid(
    order: &Order,
    payment: Option<&Payment>,
    asked: impl Fn(PredicateId) -> bool,
) -> Option<String> {
    let total = order.total_minor_units;
    let Some(payment) = payment else {
        return (total > 0).then(|| format!("costs {total} and has no payment"));
    };
    let mut authorizations = payment.authorizations();
    let authorization = authorizations.next();
    // That there are several is P2's.
    if authorizations.next().is_some() && asked(PredicateId::P2) {
        return None;
    }
    if total == 0 {
        return authorization
            .map(|it| format!("costs nothing, and {} was taken for it", it.amount));
    }
    let Some(authorization) = authorization else {
        return Some(format!(
            "costs {total}, and its payment is in state {}",
            payment.state
        ));
    };
    if payment.reverse_state.is_some() || (payment.captured == 0 && payment.voided > 0) {
        return Some(format!(
            "costs {total}, and its payment was reversed or voided"
        ));
    }
    let currency = payment.currency_code.as_deref().unwrap_or("nothing");
    if authorization.amount != total || currency != order.currency_code {
        return Some(format!(
            "costs {total} {}, and its payment is of {} {currency}",
            order.currency_code, authorization.amount
        ));
    }
    let charged = authorization.auto_capture == Some(true);
    if charged != (order.capture == ON_CONFIRM) {
        return Some(format!(
            "is of capture mode {}, and its payment was {}",
            order.capture,
            if charged { "charged" } else { "authorized" }
        ));
    }
    (charged && order.captured_minor_units != total).then(|| {
        format!(
            "was charged {total}, and says that {} was captured",
            order.captured_minor_units
        )
    })
}

/// How an order says that it ended without stock and money.
fn ended(order: &Order) -> &'static str {
    if order.state == CANCELLED {
        "is cancelled"
    } else {
        "is rejected"
    }
}

/// What the payment of a rejected or cancelled order still has or does.
fn unreturned(order: &Order, payment: &Payment) -> Option<String> {
    let kept = payment.captured - payment.refunded;
    let set_aside = payment.authorized - payment.captured - payment.voided;
    if kept != 0 || set_aside != 0 {
        return Some(format!(
            "{}, and {kept} of its money is kept and {set_aside} is set aside",
            ended(order)
        ));
    }
    (payment.state == 6).then(|| format!("{}, and its payment is not settled", ended(order)))
}

fn fault(
    predicate: PredicateId,
    order: &Order,
    message: &str,
    rows: impl Iterator<Item = Row>,
) -> Fault {
    Fault {
        predicate,
        message: format!("order {} {message}", order.order_id),
        rows: rows.collect(),
    }
}
