//! The decision as a table, and as properties over random batches against a slow model.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use holdfast_kit::id::{OrderId, Shard};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::{Allocation, TOMBSTONES_KEPT, Verdict, allocate};
use crate::domain::line::{Line, placed_as_asked};
use crate::domain::names::{LocationId, Sku, StockKey};
use crate::domain::record::{Answer, Barring, Kept, Record, Refusal, Shortage};
use crate::domain::shelf::Shelves;

type Rows = BTreeMap<(&'static str, &'static str), i64>;

fn shelves(rows: &Rows) -> Shelves {
    let mut shelves = Shelves::default();
    for (&(sku, location_id), &available) in rows {
        let key = StockKey {
            sku: Sku::new(sku),
            location_id: LocationId::new(location_id),
        };
        shelves.put(key, available, 7);
    }
    shelves
}

fn line(sku: &str, quantity: i64) -> Line {
    Line {
        sku: Sku::new(sku),
        quantity,
        location_id: None,
    }
}

fn order(lines: Vec<Line>) -> Allocation {
    Allocation {
        order_id: OrderId::generate(Shard::of_customer("c")),
        lines,
    }
}

fn decide(rows: &Rows, items: &[Allocation]) -> Verdict {
    allocate(items, shelves(rows), &HashMap::new(), Utc::now())
}

fn done() -> Answer {
    Answer::Done {
        placed: None,
        replayed: false,
    }
}

fn short(requested: i64, available: i64) -> Answer {
    let sku = Sku::new("a");
    let shortage = Shortage {
        sku,
        location_id: None,
        requested,
        available,
        version: 7,
    };
    Answer::Refused(Refusal::OutOfStock {
        shortages: vec![shortage],
    })
}

#[test]
fn who_comes_first_is_served_first_and_a_refused_order_takes_nothing() {
    let items = [
        order(vec![line("a", 3), line("b", 1)]),
        order(vec![line("a", 3)]),
        order(vec![line("a", 1), line("a", 1)]),
        order(vec![line("a", 1)]),
    ];
    let rows = Rows::from([(("a", "default"), 5), (("b", "default"), 1)]);
    let verdict = decide(&rows, &items);
    assert_eq!(verdict.answers, [done(), short(3, 2), done(), short(1, 0)]);
    assert_eq!(verdict.fresh, [0, 1, 2, 3]);
    let taken: Vec<_> = verdict.taken.iter().map(|taken| taken.quantity).collect();
    assert_eq!(taken, [5, 1]);
}

#[test]
fn an_order_that_comes_twice_in_a_batch_is_decided_once() {
    let item = order(vec![line("a", 2)]);
    let other = Allocation {
        lines: vec![line("a", 1)],
        ..item.clone()
    };
    let rows = Rows::from([(("a", "default"), 5)]);
    let verdict = decide(&rows, &[item.clone(), item.clone(), other, item]);
    let again = Answer::Done {
        placed: None,
        replayed: true,
    };
    let reused = Answer::KeyReused(vec!["lines[0].quantity".to_owned()]);
    assert_eq!(verdict.answers, [done(), again.clone(), reused, again]);
    assert_eq!(verdict.fresh, [0]);
    assert_eq!(verdict.taken[0].quantity, 2);
}

#[test]
fn what_is_recorded_is_answered_again_and_takes_nothing() {
    let items: Vec<_> = (0..4).map(|_| order(vec![line("a", 1)])).collect();
    let kept = Kept {
        lines: items[0].lines.clone(),
        placed: None,
    };
    let records = HashMap::from([
        (items[0].order_id, Record::Allocated(kept.clone())),
        (items[1].order_id, Record::Released(kept)),
        (items[2].order_id, Record::Tombstoned),
    ]);
    let rows = Rows::from([(("a", "default"), 1)]);
    let verdict = allocate(&items, shelves(&rows), &records, Utc::now());
    assert_eq!(
        verdict.answers,
        [
            Answer::Done {
                placed: None,
                replayed: true
            },
            Answer::Barred(Barring::Released),
            Answer::Barred(Barring::Tombstoned),
            done(),
        ]
    );
    assert_eq!(verdict.fresh, [3]);
}

#[test]
fn an_order_older_than_tombstones_are_kept_is_barred_unless_it_is_recorded() {
    let item = order(vec![line("a", 1)]);
    let rows = Rows::from([(("a", "default"), 5)]);
    let late: DateTime<Utc> = Utc::now() + TOMBSTONES_KEPT + TimeDelta::minutes(1);
    let verdict = allocate(
        std::slice::from_ref(&item),
        shelves(&rows),
        &HashMap::new(),
        late,
    );
    assert_eq!(verdict.answers, [Answer::Barred(Barring::KeyTooOld)]);
    assert!(verdict.fresh.is_empty() && verdict.taken.is_empty());
    let kept = Kept {
        lines: item.lines.clone(),
        placed: None,
    };
    let records = HashMap::from([(item.order_id, Record::Allocated(kept))]);
    let verdict = allocate(&[item], shelves(&rows), &records, late);
    assert_eq!(
        verdict.answers,
        [Answer::Done {
            placed: None,
            replayed: true
        }]
    );
}

#[test]
fn an_unknown_sku_refuses_its_order_alone() {
    let mut shelves = shelves(&Rows::from([(("a", "default"), 5)]));
    shelves.mark_unknown(Sku::new("x"));
    shelves.mark_unknown(Sku::new("y"));
    let items = [
        order(vec![line("y", 1), line("a", 99), line("x", 1)]),
        order(vec![line("a", 5)]),
    ];
    let verdict = allocate(&items, shelves, &HashMap::new(), Utc::now());
    let skus = vec![Sku::new("x"), Sku::new("y")];
    assert_eq!(
        verdict.answers,
        [Answer::Refused(Refusal::UnknownSku { skus }), done()]
    );
}

#[test]
fn a_contested_order_is_not_decided_and_its_neighbours_are() {
    let mut shelves = shelves(&Rows::from([(("a", "default"), 5)]));
    let held = StockKey {
        sku: Sku::new("b"),
        location_id: LocationId::default(),
    };
    shelves.contest(held);
    let contested = order(vec![line("a", 1), line("b", 1)]);
    let items = [contested.clone(), order(vec![line("a", 5)]), contested];
    let verdict = allocate(&items, shelves, &HashMap::new(), Utc::now());
    assert_eq!(
        verdict.answers,
        [Answer::Contested, done(), Answer::Contested]
    );
    assert_eq!(verdict.fresh, [1]);
}

const SKUS: [&str; 3] = ["a", "b", "c"];
const LOCATIONS: [&str; 3] = ["default", "x", "y"];

fn random_rows(random: &mut StdRng) -> Rows {
    let mut rows = Rows::new();
    for sku in SKUS {
        for location_id in LOCATIONS {
            if random.random_bool(0.6) {
                rows.insert((sku, location_id), random.random_range(0..30));
            }
        }
    }
    rows
}

fn random_order(random: &mut StdRng) -> Allocation {
    let lines = (0..random.random_range(1..5)).map(|_| {
        let location_id = random
            .random_bool(0.3)
            .then(|| LocationId::new(LOCATIONS[random.random_range(0..LOCATIONS.len())]));
        let sku = Sku::new(SKUS[random.random_range(0..SKUS.len())]);
        Line {
            sku,
            quantity: random.random_range(1..8),
            location_id,
        }
    });
    order(lines.collect())
}

/// Units left of a SKU: at one location, or at all of them.
fn left_of(left: &Rows, sku: &Sku, location_id: Option<&LocationId>) -> i64 {
    left.iter()
        .filter(|((of, at), _)| {
            *of == sku.as_str() && location_id.is_none_or(|wanted| wanted.as_str() == *at)
        })
        .map(|(_, units)| units)
        .sum()
}

/// Whether the order can be served from what is left: every named location holds its lines, and
/// every SKU holds all of them.
fn fits(left: &Rows, item: &Allocation) -> bool {
    let asked = |sku: &Sku, at: Option<&LocationId>| -> i64 {
        let same =
            |line: &&Line| line.sku == *sku && (at.is_none() || line.location_id.as_ref() == at);
        item.lines
            .iter()
            .filter(same)
            .map(|line| line.quantity)
            .sum()
    };
    item.lines.iter().all(|line| {
        let named = line.location_id.as_ref();
        asked(&line.sku, named) <= left_of(left, &line.sku, named)
            && asked(&line.sku, None) <= left_of(left, &line.sku, None)
    })
}

fn take_away(left: &mut Rows, item: &Allocation, answer: &Answer) {
    let Answer::Done { placed, .. } = answer else {
        return;
    };
    let placed = placed
        .clone()
        .unwrap_or_else(|| placed_as_asked(&item.lines));
    let total: i64 = placed.iter().map(|placement| placement.quantity).sum();
    assert_eq!(
        total,
        item.lines.iter().map(|line| line.quantity).sum::<i64>(),
        "all lines"
    );
    for line in &item.lines {
        let same_sku = |sku: &Sku| *sku == line.sku;
        let asked: i64 = item
            .lines
            .iter()
            .filter(|l| same_sku(&l.sku))
            .map(|l| l.quantity)
            .sum();
        let given: i64 = placed
            .iter()
            .filter(|p| same_sku(&p.sku))
            .map(|p| p.quantity)
            .sum();
        assert_eq!(asked, given, "units of one SKU don't turn into another's");
    }
    for placement in placed {
        let row = left
            .iter_mut()
            .find(|((sku, at), _)| {
                *sku == placement.sku.as_str() && *at == placement.location_id.as_str()
            })
            .map(|(_, units)| units)
            .expect("units come from rows that are there");
        *row -= placement.quantity;
        assert!(*row >= 0, "never more than there is");
    }
}

#[test]
fn random_batches_never_oversell_and_serve_in_order_all_or_none() {
    for seed in 0..3_000 {
        let mut random = StdRng::seed_from_u64(seed);
        let rows = random_rows(&mut random);
        let items: Vec<_> = (0..20).map(|_| random_order(&mut random)).collect();
        let verdict = decide(&rows, &items);
        let mut left = rows.clone();
        for (item, answer) in items.iter().zip(&verdict.answers) {
            let served = matches!(answer, Answer::Done { .. });
            assert_eq!(
                served,
                fits(&left, item),
                "seed {seed}: {item:?} of {left:?}"
            );
            if let Answer::Refused(Refusal::OutOfStock { shortages }) = answer {
                for shortage in shortages {
                    let there = left_of(&left, &shortage.sku, shortage.location_id.as_ref());
                    assert_eq!(shortage.available, there, "seed {seed}");
                    assert!(shortage.available < shortage.requested, "I7, seed {seed}");
                }
            }
            take_away(&mut left, item, answer);
        }
        for placement in &verdict.taken {
            let key = (placement.sku.as_str(), placement.location_id.as_str());
            let gone = rows[&key] - left[&key];
            assert_eq!(
                placement.quantity, gone,
                "seed {seed}: what is written is what was given"
            );
        }
        let taken: i64 = verdict
            .taken
            .iter()
            .map(|placement| placement.quantity)
            .sum();
        assert_eq!(
            taken,
            rows.values().sum::<i64>() - left.values().sum::<i64>(),
            "seed {seed}"
        );
    }
}
