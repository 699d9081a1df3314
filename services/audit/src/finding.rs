//! What a predicate finds: one sentence with the figures, and the rows that show it.
//! Rows name their database, table and primary key, so that anybody can look them up.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::predicate::PredicateId;

/// Rows of one finding at most.
pub const ROWS_MAX: usize = 20;

/// Characters of one value at most; a longer one is cut.
const VALUE_CHARS_MAX: usize = 1_000;

/// A database that the auditor reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// Orders and their events.
    Order,
    /// Stock and reservations.
    Inventory,
    /// Payments and their operations.
    Payment,
    /// The simulated provider's ledger.
    Provider,
}

impl Source {
    /// Gives the name of the wire and of messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Inventory => "inventory",
            Self::Payment => "payment",
            Self::Provider => "provider",
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One breach of one predicate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The predicate.
    pub predicate: PredicateId,
    /// One sentence that says what is wrong, with the figures.
    pub message: String,
    /// The rows that show it, at most [`ROWS_MAX`].
    pub rows: Vec<Row>,
}

/// A row that shows a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Where it stands.
    pub source: Source,
    /// The table.
    pub table: String,
    /// The columns that matter and their values as text, the primary key among them; null is
    /// "null".
    pub columns: BTreeMap<String, String>,
}

impl Row {
    /// Makes a row of columns and their values.
    pub(crate) fn new<const N: usize>(
        source: Source,
        table: &str,
        columns: [(&str, String); N],
    ) -> Self {
        let owned = |(name, value): (&str, String)| (name.to_owned(), cut(value));
        Self {
            source,
            table: table.to_owned(),
            columns: columns.into_iter().map(owned).collect(),
        }
    }

    /// Takes the rows that a statement has put together: `[{"table", "columns": {…}}, …]`.
    pub(crate) fn of_evidence(source: Source, evidence: &Value) -> Vec<Self> {
        let rows = evidence.as_array().map(Vec::as_slice).unwrap_or_default();
        rows.iter()
            .take(ROWS_MAX)
            .map(|row| Self {
                source,
                table: text(&row["table"]),
                columns: row["columns"]
                    .as_object()
                    .into_iter()
                    .flatten()
                    .map(|(name, value)| (name.clone(), text(value)))
                    .collect(),
            })
            .collect()
    }
}

/// The text of a value: strings without their quotes, everything else as in JSON.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => cut(text.clone()),
        other => cut(other.to_string()),
    }
}

fn cut(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(VALUE_CHARS_MAX) {
        text.truncate(end);
        text.push('…');
    }
    text
}

/// The text of a column that may be null.
pub(crate) fn optional<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "null".to_owned(), |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{ROWS_MAX, Row, Source};

    #[test]
    fn evidence_becomes_rows_and_is_cut() {
        let row = json!({"table": "stock", "columns": {"sku": "a", "on_hand": 3, "x": null}});
        let many = vec![row; ROWS_MAX + 5];
        let rows = Row::of_evidence(Source::Inventory, &json!(many));
        assert_eq!(rows.len(), ROWS_MAX);
        let columns = [
            ("sku", "a".to_owned()),
            ("on_hand", "3".to_owned()),
            ("x", "null".to_owned()),
        ];
        assert_eq!(rows[0], Row::new(Source::Inventory, "stock", columns));
        assert!(Row::of_evidence(Source::Order, &json!(null)).is_empty());
    }
}
