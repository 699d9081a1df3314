//! Every reason of the contract has one page in docs/errors, and every page has its reason.
//! The enum's descriptor is the list, so that a reason that somebody adds is missed here at once.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use holdfast_kit::refusal::{Reason, code_of, name_of};
use prost_reflect::DescriptorPool;

/// What is beside the pages.
const INDEX: &str = "README";

fn pages() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/errors")
}

fn page(name: &str) -> String {
    let path = pages().join(format!("{name}.md"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every reason but the unspecified one.
fn reasons() -> Vec<Reason> {
    let pool = DescriptorPool::decode(holdfast_proto::FILE_DESCRIPTOR_SET)
        .expect("the descriptor set is compiled in");
    let known = pool
        .get_enum_by_name("holdfast.type.v1.ErrorReason")
        .expect("the contract has the enum");
    let reasons: Vec<Reason> = known
        .values()
        .map(|value| Reason::try_from(value.number()).expect("it comes from the same files"))
        .filter(|reason| *reason != Reason::Unspecified)
        .collect();
    assert!(!reasons.is_empty());
    reasons
}

/// The code's name as the pages have it: FAILED_PRECONDITION.
fn code_name(reason: Reason) -> String {
    let camel = format!("{:?}", code_of(reason));
    let mut name = String::new();
    for letter in camel.chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}

#[test]
fn every_reason_has_a_page_and_every_page_a_reason() {
    let reasons: BTreeSet<String> = reasons()
        .into_iter()
        .map(|reason| name_of(reason).to_owned())
        .collect();
    let found: BTreeSet<String> = fs::read_dir(pages())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .filter(|name| name != INDEX)
        .collect();
    let without_page: Vec<_> = reasons.difference(&found).collect();
    let without_reason: Vec<_> = found.difference(&reasons).collect();
    assert!(
        without_page.is_empty() && without_reason.is_empty(),
        "reasons without a page: {without_page:?}; pages without a reason: {without_reason:?}"
    );
}

#[test]
fn every_page_is_headed_by_its_reason_and_tells_its_code() {
    for reason in reasons() {
        let (name, text) = (name_of(reason), page(name_of(reason)));
        assert!(text.starts_with(&format!("# {name}\n")), "{name}");
        let code = match reason {
            // Only ever a rejection's reason, or why a saga turned.
            Reason::TimedOut | Reason::Cancelled => "never a gRPC error".to_owned(),
            _ => format!("`{}`", code_name(reason)),
        };
        assert!(text.contains(&format!("- Code: {code}")), "{name}: {code}");
    }
}

#[test]
fn the_index_names_every_page_once() {
    let index = page(INDEX);
    for reason in reasons() {
        let name = name_of(reason);
        let link = format!("[{name}]({name}.md)");
        assert_eq!(index.matches(&link).count(), 1, "{link}");
    }
}
