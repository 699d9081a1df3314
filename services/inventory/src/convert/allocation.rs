//! The items and results of the batch calls. An item that is wrong is refused by itself; only what
//! is wrong with the batch as a whole fails the call.

use holdfast_kit::id::OrderId;
use holdfast_kit::refusal::Refusal;
use holdfast_kit::validate::{self, Violations};
use holdfast_proto::inventory::{
    AllocateItem, AllocationDone, AllocationResult, ReleaseItem, ReservationState,
    allocation_result::Outcome,
};
use holdfast_proto::types::{Barred, StockLine};

use super::refusal::{allocation_refusal, barring_reason, contested};
use crate::domain::allocation::Allocation;
use crate::domain::line::{Line, Placement};
use crate::domain::names::{LocationId, Sku};
use crate::domain::record::Answer;
use crate::domain::release::{Answer as ReleaseAnswer, End};

/// Items of one batch at most.
pub(crate) const ITEMS_MAX: usize = 512;
/// Lines of one order at most.
pub(crate) const ORDER_LINES_MAX: usize = 1_000;
/// Lines of one batch at most, all its orders together.
pub(crate) const BATCH_LINES_MAX: usize = 4_096;

/// The version of the ids that the system makes.
const ORDER_ID_VERSION: usize = 7;

/// Checks the size of a batch.
///
/// # Errors
/// INVALID_FIELD of `items`: the whole call is refused.
pub(crate) fn check_batch(items: usize, lines: impl Iterator<Item = usize>) -> Result<(), Refusal> {
    let mut v = Violations::new();
    if !(1..=ITEMS_MAX).contains(&items) {
        v.push("items", "1 to 512 items");
    } else if lines.sum::<usize>() > BATCH_LINES_MAX {
        v.push("items", "at most 4,096 lines in all");
    }
    v.into_result()
}

/// Reads the item at `number`.
///
/// # Errors
/// What is wrong with it; nothing is recorded of it.
pub(crate) fn allocation(number: usize, item: AllocateItem) -> Result<Allocation, Refusal> {
    let mut v = Violations::new();
    let order_id = order_id(&mut v, number, &item.order_id);
    if !(1..=ORDER_LINES_MAX).contains(&item.lines.len()) {
        v.push(format_args!("items[{number}].lines"), "1 to 1,000 lines");
    } else {
        for (line_number, line) in item.lines.iter().enumerate() {
            check_line(&mut v, (number, line_number), line);
        }
    }
    v.into_result()?;
    let order_id = order_id.expect("an order_id that is none is a violation");
    Ok(Allocation {
        order_id,
        lines: item.lines.into_iter().map(line).collect(),
    })
}

/// Reads the item at `number`.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn release(number: usize, item: &ReleaseItem) -> Result<OrderId, Refusal> {
    let mut v = Violations::new();
    let order_id = order_id(&mut v, number, &item.order_id);
    v.into_result()?;
    Ok(order_id.expect("an order_id that is none is a violation"))
}

fn order_id(v: &mut Violations, number: usize, bytes: &[u8]) -> Option<OrderId> {
    let order_id = OrderId::from_wire_bytes(bytes)
        .filter(|order_id| order_id.as_uuid().get_version_num() == ORDER_ID_VERSION);
    if order_id.is_none() {
        v.push(
            format_args!("items[{number}].order_id"),
            "the 16 bytes of a version 7 UUID",
        );
    }
    order_id
}

fn check_line(v: &mut Violations, (item, line): (usize, usize), wire: &StockLine) {
    validate::sku(
        v,
        format_args!("items[{item}].lines[{line}].sku"),
        &wire.sku,
    );
    validate::quantity(
        v,
        format_args!("items[{item}].lines[{line}].quantity"),
        wire.quantity,
    );
    if let Some(location_id) = &wire.location_id {
        let field = format_args!("items[{item}].lines[{line}].location_id");
        validate::caller_id(v, field, location_id);
    }
}

fn line(wire: StockLine) -> Line {
    Line {
        sku: Sku::new(wire.sku),
        quantity: wire.quantity,
        location_id: wire.location_id.map(LocationId::new),
    }
}

/// Writes the result of the item at `number` of BatchAllocate.
pub(crate) fn allocation_result(number: usize, answer: Answer) -> AllocationResult {
    match answer {
        Answer::Done { placed, replayed } => {
            result(done(ReservationState::Allocated, placed, replayed))
        }
        Answer::Refused(refusal) => refused(&allocation_refusal(refusal)),
        Answer::KeyReused(fields) => {
            let paths = fields
                .iter()
                .map(|field| format!("items[{number}].{field}"));
            refused(&Refusal::key_reused(paths))
        }
        Answer::Barred(barring) => {
            let reason = barring_reason(barring).into();
            result(Outcome::Barred(Barred { reason }))
        }
        Answer::Contested => result(Outcome::Unknown(contested().into())),
    }
}

/// Writes the result of an item of BatchRelease.
pub(crate) fn release_result(answer: ReleaseAnswer) -> AllocationResult {
    result(match answer {
        ReleaseAnswer::Done {
            end: End::Released(placed),
            replayed,
        } => done(ReservationState::Released, placed, replayed),
        ReleaseAnswer::Done {
            end: End::NeverKept,
            replayed,
        } => done(ReservationState::Tombstoned, None, replayed),
        ReleaseAnswer::Contested => Outcome::Unknown(contested().into()),
    })
}

/// Writes an outcome.
pub(crate) fn result(outcome: Outcome) -> AllocationResult {
    AllocationResult {
        outcome: Some(outcome),
    }
}

/// Writes a refusal.
pub(crate) fn refused(refusal: &Refusal) -> AllocationResult {
    result(Outcome::Refusal(refusal.into()))
}

fn done(state: ReservationState, placed: Option<Vec<Placement>>, replayed: bool) -> Outcome {
    let lines = placed
        .unwrap_or_default()
        .into_iter()
        .map(|placement| StockLine {
            sku: placement.sku.to_string(),
            quantity: placement.quantity,
            location_id: Some(placement.location_id.to_string()),
        });
    Outcome::Done(AllocationDone {
        state: state.into(),
        lines: lines.collect(),
        replayed,
    })
}

#[cfg(test)]
mod tests {
    use holdfast_kit::id::{OrderId, Shard};
    use holdfast_proto::inventory::AllocateItem;
    use holdfast_proto::types::StockLine;

    use super::{ORDER_LINES_MAX, allocation, check_batch};

    fn line(sku: &str, quantity: i64, location_id: Option<&str>) -> StockLine {
        StockLine {
            sku: sku.to_owned(),
            quantity,
            location_id: location_id.map(str::to_owned),
        }
    }

    fn item(lines: Vec<StockLine>) -> AllocateItem {
        let order_id = OrderId::generate(Shard::of_customer("c")).to_wire_bytes();
        AllocateItem { order_id, lines }
    }

    fn wrong_fields(number: usize, item: AllocateItem) -> Vec<String> {
        let violations = allocation(number, item).unwrap_err().field_violations;
        violations
            .into_iter()
            .map(|violation| violation.field)
            .collect()
    }

    #[test]
    fn what_is_wrong_with_an_item_is_named_by_its_path() {
        let lines = vec![
            line("a", 0, None),
            line("nul\0", 1_000_001, Some("")),
            line("ok", 1, Some("x y")),
        ];
        assert_eq!(
            wrong_fields(3, item(lines)),
            [
                "items[3].lines[0].quantity",
                "items[3].lines[1].sku",
                "items[3].lines[1].quantity",
                "items[3].lines[1].location_id",
                "items[3].lines[2].location_id",
            ]
        );
        assert_eq!(wrong_fields(0, item(Vec::new())), ["items[0].lines"]);
        let many = vec![line("a", 1, None); ORDER_LINES_MAX + 1];
        assert_eq!(wrong_fields(0, item(many)), ["items[0].lines"]);
    }

    #[test]
    fn an_order_id_is_16_bytes_of_version_7() {
        let good = item(vec![line("a", 1, None)]);
        assert!(allocation(0, good.clone()).is_ok());
        for bytes in [vec![], vec![0; 15], vec![0; 16], vec![0xff; 17]] {
            let item = AllocateItem {
                order_id: bytes.into(),
                ..good.clone()
            };
            assert_eq!(wrong_fields(0, item), ["items[0].order_id"]);
        }
    }

    #[test]
    fn a_batch_is_bounded_by_items_and_lines_and_a_lone_order_always_fits() {
        let check = |items: &[usize]| check_batch(items.len(), items.iter().copied()).is_ok();
        assert!(check(&[ORDER_LINES_MAX]));
        assert!(check(&[1; 512]));
        assert!(check(&[8; 512]));
        assert!(!check(&[9; 512]));
        assert!(!check(&[1; 513]));
        assert!(!check(&[]));
    }
}
