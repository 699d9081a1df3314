//! One bad row, one finding: each row of a table spoils one thing in an otherwise whole world.

mod money;
mod orders;
mod stock;

use holdfast_audit::{Finding, PredicateId, ROWS_MAX, Report, Source, Verdict};

use crate::world::World;

/// Something bad, and the predicate that is to find it.
struct Plant {
    name: &'static str,
    rows: &'static [(Source, &'static str)],
    expected: PredicateId,
}

/// Plants one bad row in one database.
const fn plant(
    name: &'static str,
    rows: &'static [(Source, &'static str)],
    expected: PredicateId,
) -> Plant {
    Plant { name, rows, expected }
}

/// Plants each alone and audits; `at_rest` also asks what holds at rest.
async fn each_is_found_once(plants: &[Plant], at_rest: bool) {
    let world = World::defenceless().await;
    let mut wrong = Vec::new();
    for plant in plants {
        for (source, statement) in plant.rows {
            world.run(*source, statement).await;
        }
        let (report, findings) =
            if at_rest { world.audit_at_rest().await } else { world.audit().await };
        if let Some(what) = amiss(plant, &report, &findings) {
            wrong.push(format!("{}: {what}\n{report}", plant.name));
        }
        for (source, _) in plant.rows {
            world.reset(*source).await;
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), plants.len(), wrong.join("\n\n"));
}

fn amiss(plant: &Plant, report: &Report, findings: &[Finding]) -> Option<String> {
    let [finding] = findings else {
        let messages: Vec<_> =
            findings.iter().map(|it| format!("{} {}", it.predicate, it.message)).collect();
        return Some(format!("{} findings instead of 1: {messages:#?}", findings.len()));
    };
    if finding.predicate != plant.expected {
        return Some(format!("{} instead of {}: {}", finding.predicate, plant.expected, finding.message));
    }
    if finding.message.is_empty() || finding.rows.is_empty() || finding.rows.len() > ROWS_MAX {
        return Some(format!("shown badly: {finding:?}"));
    }
    let failed: Vec<PredicateId> = report
        .predicates
        .iter()
        .filter(|it| it.verdict != Verdict::Pass)
        .map(|it| it.predicate)
        .collect();
    (report.verdict != Verdict::Fail || failed != [plant.expected])
        .then(|| format!("not told by {} alone: {failed:?}", plant.expected))
}
