//! The database of the `dev` under load, by what that wrote down in its data directory.
//!
//! The rule: it is taken only if the addresses beside it are those under load and it answers, with
//! the auditor's role, which can only read. Otherwise there is none, and the report says so.

use std::{fs, path::Path};

use holdfast::client::Addresses;
use holdfast_postgres::{Database, ENVIRONMENT_FILE};

use super::database;

/// Finds the URL of a database of the `dev` that answers at these addresses and keeps its data in
/// `data_dir`.
pub(super) async fn database_url(data_dir: &Path, addresses: &Addresses) -> Option<String> {
    let text = fs::read_to_string(data_dir.join(ENVIRONMENT_FILE)).ok()?;
    let url = url_in(&text, addresses)?;
    // What a `dev` wrote that has ended leads nowhere, or to a server that knows no such password.
    database::Database::connect(url).await.ok()?;
    Some(url.to_owned())
}

fn url_in<'a>(text: &'a str, addresses: &Addresses) -> Option<&'a str> {
    let value = |variable: &str| {
        let mut pairs = text.lines().filter_map(|line| line.split_once('='));
        pairs.find_map(|(name, value)| (name == variable).then_some(value))
    };
    let is_at = |variable: &str, address: &str| {
        let bare = address.strip_prefix("http://").unwrap_or(address);
        value(variable) == Some(bare.replace("localhost:", "127.0.0.1:").as_str())
    };
    let same = is_at("HOLDFAST_ORDER_ADDRESS", &addresses.order)
        && is_at("HOLDFAST_INVENTORY_ADDRESS", &addresses.inventory);
    value(Database::Order.audit_variable()).filter(|_| same)
}

#[cfg(test)]
mod tests {
    use holdfast::client::Addresses;

    use super::url_in;

    const LEFT: &str = "HOLDFAST_ORDER_DATABASE_URL=postgres://owner@h/o\n\
        HOLDFAST_AUDIT_ORDER_DATABASE_URL=postgres://audit:a=b@h/o\n\
        HOLDFAST_ORDER_ADDRESS=127.0.0.1:50051\n\
        HOLDFAST_INVENTORY_ADDRESS=127.0.0.1:50052\n";

    fn addresses(order: &str) -> Addresses {
        Addresses {
            order: order.to_owned(),
            inventory: "127.0.0.1:50052".to_owned(),
            audit: "127.0.0.1:50054".to_owned(),
        }
    }

    #[test]
    fn the_database_of_the_dev_under_load_is_found_by_its_addresses() {
        for order in ["127.0.0.1:50051", "http://localhost:50051"] {
            let url = url_in(LEFT, &addresses(order));
            assert_eq!(url, Some("postgres://audit:a=b@h/o"), "{order}");
        }
    }

    #[test]
    fn another_dev_has_another_database() {
        assert_eq!(url_in(LEFT, &addresses("127.0.0.1:6000")), None);
        let (urls_alone, _) = LEFT.split_once("HOLDFAST_ORDER_ADDRESS").unwrap();
        assert_eq!(url_in(urls_alone, &addresses("127.0.0.1:50051")), None);
    }
}
