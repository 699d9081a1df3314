//! What a key binds to, and what a batch of changes comes to, as a table.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::Books;
use crate::domain::adjust::{AdjustReason, Adjustment, ON_HAND_MAX, Shortfall};
use crate::domain::change::{Answer, Body, CardBody, Change, Refusal};
use crate::domain::names::{LocationId, RequestId, Sku, StockKey};

fn put(request_id: &str, title: &str) -> Change {
    let body = CardBody {
        title: title.to_owned(),
        attributes: BTreeMap::new(),
    };
    let body = Body::PutSku(body);
    Change {
        sku: Sku::new("a"),
        request_id: RequestId::new(request_id),
        body,
    }
}

fn adjustment(delta: i64) -> Adjustment {
    Adjustment {
        location_id: None,
        delta,
        reason: AdjustReason::Received,
        shortfall: Shortfall::Refuse,
        order_id: None,
    }
}

fn by(request_id: &str, adjustment: Adjustment) -> Change {
    let body = Body::AdjustStock(adjustment);
    Change {
        sku: Sku::new("a"),
        request_id: RequestId::new(request_id),
        body,
    }
}

fn books() -> Books {
    Books::new(DateTime::<Utc>::UNIX_EPOCH)
}

fn on_hand(answer: &Answer) -> (i64, bool) {
    match answer {
        Answer::Level {
            level, replayed, ..
        } => (level.on_hand, *replayed),
        other => panic!("no level: {other:?}"),
    }
}

#[test]
fn a_batch_makes_a_sku_and_its_first_stock() {
    let mut books = books();
    let answers = books.enter(&[
        put("r", "A"),
        by("r", adjustment(3)),
        by("s", adjustment(-1)),
    ]);
    assert!(matches!(&answers[0], Answer::Card { card, replayed: false } if card.title == "A"));
    assert_eq!(on_hand(&answers[1]), (3, false));
    assert_eq!(on_hand(&answers[2]), (2, false));
    assert_eq!(books.bound.len(), 3, "one key per method");
    assert_eq!(
        (books.put.len(), books.adjusted.len(), books.movements.len()),
        (1, 1, 2)
    );
}

#[test]
fn the_same_again_sees_the_present_state_and_changes_nothing() {
    let mut books = books();
    let answers = books.enter(&[
        put("p", "A"),
        put("q", "B"),
        put("p", "A"),
        by("r", adjustment(3)),
        by("s", adjustment(4)),
        by("r", adjustment(3)),
    ]);
    assert!(matches!(&answers[2], Answer::Card { card, replayed: true } if card.title == "B"));
    assert_eq!(on_hand(&answers[5]), (7, true));
    assert_eq!(books.movements.len(), 2);
}

#[test]
fn another_body_under_the_key_names_the_fields_that_differ() {
    let mut books = books();
    let other = Adjustment {
        location_id: Some(LocationId::default()),
        delta: 4,
        reason: AdjustReason::Counted,
        shortfall: Shortfall::Record,
        order_id: None,
    };
    let answers = books.enter(&[
        put("p", "A"),
        put("p", "B"),
        by("r", adjustment(3)),
        by("r", other),
    ]);
    assert_eq!(answers[1], Answer::KeyReused(vec!["title".to_owned()]));
    let fields = ["location_id", "delta", "reason", "allow_shortfall"].map(str::to_owned);
    assert_eq!(answers[3], Answer::KeyReused(fields.to_vec()));
    assert_eq!(books.movements.len(), 1);
}

#[test]
fn a_refusal_is_repeated_for_ever() {
    let mut books = books();
    let answers = books.enter(&[
        by("u", adjustment(1)),
        put("p", "A"),
        by("u", adjustment(1)),
        by("n", adjustment(-1)),
        by("r", adjustment(3)),
        by("n", adjustment(-1)),
    ]);
    let below = Answer::Refused(Refusal::BelowReserved {
        on_hand: 0,
        reserved: 0,
    });
    assert_eq!(answers[0], Answer::Refused(Refusal::UnknownSku));
    assert_eq!(answers[2], answers[0], "though the SKU is there by now");
    assert_eq!(answers[3], below);
    assert_eq!(answers[5], below, "though there is enough by now");
}

#[test]
fn what_cannot_be_decided_binds_nothing() {
    let mut books = books();
    let row = StockKey {
        sku: Sku::new("a"),
        location_id: LocationId::new("x"),
    };
    books.contested.insert(row);
    let at_x = Adjustment {
        location_id: Some(LocationId::new("x")),
        ..adjustment(1)
    };
    let answers = books.enter(&[
        put("p", "A"),
        by("c", at_x),
        by("m", adjustment(ON_HAND_MAX)),
        by("t", adjustment(1)),
    ]);
    assert_eq!(answers[1], Answer::Contested);
    assert_eq!(on_hand(&answers[2]), (ON_HAND_MAX, false));
    assert_eq!(answers[3], Answer::TooMuch);
    assert_eq!(books.bound.len(), 2);
}
