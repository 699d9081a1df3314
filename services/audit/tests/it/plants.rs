//! One bad row, one finding: each plant spoils one thing in an otherwise whole world.
//! The plants are files of SQL in plants/.

use holdfast_audit::{Finding, PredicateId, ROWS_MAX, Report, Source, Verdict};

use crate::world::World;

/// Something bad, and the predicate that is to find it.
struct Plant<'a> {
    name: &'a str,
    expected: PredicateId,
    rows: Vec<(Source, String)>,
}

/// When an audit is made.
#[derive(Clone, Copy)]
enum At {
    AnyTime,
    Rest,
}

/// Reads a file of plants: `-- <predicate>: <name>` begins one, and `-- in <database>` says where
/// the statements that follow are run.
fn plants(file: &str) -> Vec<Plant<'_>> {
    let mut plants: Vec<Plant<'_>> = Vec::new();
    for line in file.lines().skip(1) {
        let comment = line.strip_prefix("-- ");
        if let Some(source) = comment.and_then(|comment| comment.strip_prefix("in ")) {
            let plant = plants.last_mut().expect("a name comes before a database");
            plant.rows.push((source_of(source), String::new()));
        } else if let Some((id, name)) = comment.and_then(|comment| comment.split_once(": ")) {
            let expected = id.parse().unwrap_or_else(|error| panic!("{line}: {error}"));
            plants.push(Plant {
                name,
                expected,
                rows: Vec::new(),
            });
        } else if let Some((_, statements)) = plants.last_mut().and_then(|it| it.rows.last_mut()) {
            statements.push_str(line);
            statements.push('\n');
        }
    }
    plants
}

fn source_of(name: &str) -> Source {
    let all = [
        Source::Order,
        Source::Inventory,
        Source::Payment,
        Source::Provider,
    ];
    let found = all.into_iter().find(|source| source.name() == name);
    found.unwrap_or_else(|| panic!("{name} is no database"))
}

/// Plants each alone and audits.
async fn each_is_found_once(files: &[&str], mode: At) {
    let world = World::defenceless().await;
    let plants: Vec<Plant<'_>> = files.iter().flat_map(|file| plants(file)).collect();
    let mut wrong = Vec::new();
    for plant in &plants {
        for (source, statements) in &plant.rows {
            world.run(*source, statements).await;
        }
        let (report, findings) = match mode {
            At::AnyTime => world.audit().await,
            At::Rest => world.audit_at_rest().await,
        };
        if let Some(what) = amiss(plant, &report, &findings) {
            wrong.push(format!("{}: {what}\n{report}", plant.name));
        }
        for (source, _) in &plant.rows {
            world.reset(*source).await;
        }
    }
    assert!(!plants.is_empty() && plants.iter().all(|plant| !plant.rows.is_empty()));
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        plants.len(),
        wrong.join("\n\n")
    );
}

fn amiss(plant: &Plant<'_>, report: &Report, findings: &[Finding]) -> Option<String> {
    let [finding] = findings else {
        let messages: Vec<_> = findings
            .iter()
            .map(|it| format!("{} {}", it.predicate, it.message))
            .collect();
        return Some(format!(
            "{} findings instead of 1: {messages:#?}",
            findings.len()
        ));
    };
    if finding.predicate != plant.expected {
        return Some(format!(
            "{} instead of {}: {}",
            finding.predicate, plant.expected, finding.message
        ));
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

#[tokio::test]
async fn every_bad_row_is_found_once() {
    let files = [
        include_str!("plants/figures.sql"),
        include_str!("plants/reservations.sql"),
        include_str!("plants/sums.sql"),
        include_str!("plants/keys.sql"),
        include_str!("plants/provider.sql"),
        include_str!("plants/paid.sql"),
        include_str!("plants/moves.sql"),
        include_str!("plants/cancels.sql"),
        include_str!("plants/feed.sql"),
        include_str!("plants/versions.sql"),
    ];
    each_is_found_once(&files, At::AnyTime).await;
}

#[tokio::test]
async fn every_bad_row_is_found_once_at_rest() {
    each_is_found_once(&[include_str!("plants/at_rest.sql")], At::Rest).await;
}
