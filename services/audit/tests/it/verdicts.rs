//! What a whole world, an empty one and one in motion come to.

use std::time::Duration;

use holdfast_audit::{Config, PredicateId, Report, Source, Verdict};

use crate::world::{World, audited};

/// An order that is not decided yet, with nothing else anywhere.
pub(crate) const PENDING: &str = "
    insert into orders (
        shard, order_id, customer_id, request_id, state, version, currency_code,
        total_minor_units, lines, payment_method, capture, priority, create_time, update_time,
        definition_version, deadline, epoch
    )
    values (
        shard_of('c1'), id_of('c1', 12), 'c1', 'r12', 1, 1, 'EUR', 100,
        '[{\"sku\":\"a\",\"quantity\":1,\"unit_price\":100}]', 'tok_ok', 1, 1, now(), now(),
        1, now(), 1
    )";

fn ids(report: &Report) -> Vec<PredicateId> {
    report.predicates.iter().map(|it| it.predicate).collect()
}

#[tokio::test]
async fn a_consistent_world_passes_with_rows_behind_every_predicate() {
    let world = World::whole().await;
    let (report, findings) = world.audit_at_rest().await;
    assert_eq!(findings, []);
    assert_eq!(report.verdict, Verdict::Pass, "{report}");
    assert_eq!(ids(&report), PredicateId::ALL);
    for result in &report.predicates {
        assert!(result.rows_checked > 0, "{report}");
    }
    let last = report.to_string().lines().last().unwrap().to_owned();
    let (rows, predicates) = (report.rows_checked(), PredicateId::ALL.len());
    assert_eq!(
        last,
        format!("audit: PASS, {predicates} predicates, {rows} rows, 0 findings")
    );
}

#[tokio::test]
async fn an_empty_world_passes_with_nothing_behind_it() {
    let world = World::empty().await;
    let (report, findings) = world.audit_at_rest().await;
    assert_eq!(
        (report.verdict, report.rows_checked()),
        (Verdict::Pass, 0),
        "{report}"
    );
    assert_eq!(findings, []);
}

#[tokio::test]
async fn what_holds_at_rest_only_is_asked_at_rest_only() {
    let world = World::whole().await;
    world.run(Source::Order, PENDING).await;
    let (report, _) = world.audit().await;
    assert_eq!(report.verdict, Verdict::Pass, "{report}");
    assert!(report.of(PredicateId::K1).is_none());

    let asked = Config {
        predicates: vec![PredicateId::K1],
        ..Config::new(world.urls())
    };
    let (report, _) = audited(asked).await;
    assert_eq!(report.verdict, Verdict::Unknown, "{report}");
}

#[tokio::test]
async fn without_rest_what_holds_at_rest_is_unknown_and_the_rest_is_told() {
    let world = World::whole().await;
    world.run(Source::Order, PENDING).await;
    let config = Config {
        at_rest: true,
        rest_wait_max: Duration::from_millis(1),
        ..Config::new(world.urls())
    };
    let (report, findings) = audited(config).await;
    assert_eq!(findings, []);
    for result in &report.predicates {
        let rests = matches!(result.predicate, PredicateId::K1 | PredicateId::P3);
        let expected = if rests {
            Verdict::Unknown
        } else {
            Verdict::Pass
        };
        assert_eq!(result.verdict, expected, "{report}");
    }
    let cause = report
        .of(PredicateId::K1)
        .unwrap()
        .unknown_cause
        .clone()
        .unwrap();
    assert!(cause.contains("1 orders undecided"), "{cause}");
}

#[tokio::test]
async fn only_the_predicates_asked_for_are_checked() {
    let world = World::whole().await;
    world
        .run(
            Source::Inventory,
            "update stock set reserved = reserved - 1 where sku = 'c'",
        )
        .await;
    let only = |predicates: &[PredicateId]| Config {
        predicates: predicates.to_vec(),
        ..Config::new(world.urls())
    };
    let (report, findings) = audited(only(&[PredicateId::I1, PredicateId::P1])).await;
    assert_eq!(ids(&report), [PredicateId::I1, PredicateId::P1]);
    assert_eq!(
        (report.verdict, findings.len()),
        (Verdict::Pass, 0),
        "{report}"
    );
    let (report, findings) = audited(only(&[PredicateId::I2])).await;
    assert_eq!(
        (report.verdict, findings.len()),
        (Verdict::Fail, 1),
        "{report}"
    );
}
