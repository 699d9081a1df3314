//! What cannot be read is UNKNOWN, never PASS, and what can be is told all the same.

use holdfast_audit::PredicateId::{
    self, E1, E2, I1, I2, I3, I4, I5, I7, K1, O1, O2, O3, P1, P2, P3,
};
use holdfast_audit::{Config, Report, Source, Urls, Verdict};

use crate::world::{World, audited};

fn unknown(report: &Report) -> Vec<PredicateId> {
    let unknown = report
        .predicates
        .iter()
        .filter(|it| it.verdict == Verdict::Unknown);
    unknown.map(|it| it.predicate).collect()
}

#[tokio::test]
async fn a_database_that_is_away_makes_unknown_what_depends_on_it() {
    let world = World::whole().await;
    // Nobody listens on port 1.
    let away = || Some("postgres://audit@127.0.0.1:1/away".to_owned());
    let cases: [(Urls, &[PredicateId]); 6] = [
        (
            Urls {
                order: away(),
                ..world.urls()
            },
            &[I5, O1, O2, O3, E1, E2],
        ),
        (
            Urls {
                inventory: away(),
                ..world.urls()
            },
            &[I1, I2, I3, I4, I5, I7, O3],
        ),
        (
            Urls {
                payment: away(),
                ..world.urls()
            },
            &[P1, P2, P3, O2, O3],
        ),
        (
            Urls {
                provider: away(),
                ..world.urls()
            },
            &[P2, P3],
        ),
        (
            Urls {
                provider: None,
                ..world.urls()
            },
            &[P2, P3],
        ),
        (
            Urls {
                payment: Some("mysql://x".to_owned()),
                ..world.urls()
            },
            &[P1, P2, P3, O2, O3],
        ),
    ];
    for (urls, expected) in cases {
        let (report, findings) = audited(Config::new(urls)).await;
        assert_eq!(findings, []);
        assert_eq!(report.verdict, Verdict::Unknown, "{report}");
        assert_eq!(unknown(&report), expected, "{report}");
    }

    let (report, _) = audited(Config::new(Urls {
        provider: None,
        ..world.urls()
    }))
    .await;
    let cause = report.of(P3).unwrap().unknown_cause.clone().unwrap();
    assert!(cause.contains("real provider"), "{cause}");

    // Whether the system is at rest cannot be told without the payments.
    let urls = Urls {
        payment: None,
        ..world.urls()
    };
    let (report, _) = audited(Config {
        at_rest: true,
        ..Config::new(urls)
    })
    .await;
    assert_eq!(unknown(&report), [P1, P2, P3, O2, O3, K1], "{report}");
}

#[tokio::test]
async fn a_table_that_cannot_be_read_makes_unknown_what_depends_on_it() {
    let world = World::whole().await;
    for (source, statement, expected) in [
        (
            Source::Inventory,
            "alter table movements rename to moved",
            &[I1, I2, I3, I4][..],
        ),
        (
            Source::Order,
            "alter view order_history rename to moved",
            &[I5, O1, O2, O3, E1, E2][..],
        ),
        (
            Source::Provider,
            "alter table ledger rename to moved",
            &[P2, P3][..],
        ),
        (
            Source::Payment,
            "alter table operations rename to moved",
            &[P1, P2, P3, O2, O3][..],
        ),
    ] {
        world.run(source, statement).await;
        let (report, findings) = world.audit().await;
        assert_eq!(findings, []);
        assert_eq!(unknown(&report), expected, "{report}");
        let back = statement.split(' ').nth(2).unwrap();
        world
            .run(source, &format!("alter table moved rename to {back}"))
            .await;
    }
}

#[tokio::test]
async fn what_is_wrong_outweighs_what_is_unknown() {
    let world = World::whole().await;
    world
        .run(
            Source::Payment,
            "update payments set intent_key = 'x' where state = 1",
        )
        .await;
    let (report, findings) = audited(Config::new(Urls {
        provider: None,
        ..world.urls()
    }))
    .await;
    assert_eq!(report.verdict, Verdict::Fail, "{report}");
    assert_eq!(findings.len(), 1);
    let p2 = report.of(P2).unwrap();
    assert_eq!(
        (p2.verdict, p2.unknown_cause.is_some()),
        (Verdict::Fail, true)
    );
}
