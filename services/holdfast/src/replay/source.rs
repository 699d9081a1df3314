//! Reads the file: plain or compressed, and its lines as text.
//!
//! The rule: no line is lost. One that does not have the columns it should is given as such, and
//! text that is not UTF-8 is taken for Latin-1, in which older copies of the data set are.

use std::{fs::File, io::Read, path::Path};

use anyhow::Context as _;
use csv::{ByteRecord, ReaderBuilder};
use flate2::read::MultiGzDecoder;

/// Bytes of a file at the most, uncompressed.
const FILE_BYTES_MAX: u64 = 1 << 30;
/// What every gzip file begins with.
const GZIP_MAGIC: [u8; 2] = [0x1F, 0x8B];

/// Reads the whole file, uncompressed.
///
/// # Errors
/// If it cannot be read or has more than a gibibyte.
pub(super) fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut magic = [0; GZIP_MAGIC.len()];
    let is_gzip = File::open(path)?.read_exact(&mut magic).is_ok() && magic == GZIP_MAGIC;
    let file = File::open(path)?;
    match is_gzip {
        true => read_some(MultiGzDecoder::new(file)),
        false => read_some(file),
    }
}

fn read_some(reader: impl Read) -> anyhow::Result<Vec<u8>> {
    let mut content = Vec::new();
    let bytes = reader.take(FILE_BYTES_MAX + 1).read_to_end(&mut content)?;
    anyhow::ensure!(
        u64::try_from(bytes)? <= FILE_BYTES_MAX,
        "it has more than {FILE_BYTES_MAX} bytes"
    );
    Ok(content)
}

/// One line of an invoice, as it stands in the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) invoice: String,
    pub(super) code: String,
    pub(super) description: String,
    pub(super) quantity: String,
    pub(super) unit_price: String,
    /// Empty for a guest.
    pub(super) customer: String,
}

/// A line that has fewer columns than the header, or is no CSV.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BrokenRow;

/// Where each column stands.
struct Columns([usize; NAMES.len()]);

const NAMES: [&str; 6] = [
    "InvoiceNo",
    "StockCode",
    "Description",
    "Quantity",
    "UnitPrice",
    "CustomerID",
];

/// Gives the lines of a CSV file with a header.
///
/// # Errors
/// If the header lacks a column.
pub(super) fn rows(content: &[u8]) -> anyhow::Result<impl Iterator<Item = Result<Row, BrokenRow>>> {
    let mut reader = ReaderBuilder::new().flexible(true).from_reader(content);
    let columns = Columns::find(reader.byte_headers()?)?;
    let records = reader.into_byte_records();
    Ok(records.map(move |record| record.ok().and_then(|r| columns.row(&r)).ok_or(BrokenRow)))
}

impl Columns {
    fn find(header: &ByteRecord) -> anyhow::Result<Self> {
        let header: Vec<_> = header.iter().map(text).collect();
        let mut places = [0; NAMES.len()];
        for (place, name) in places.iter_mut().zip(NAMES) {
            *place = header
                .iter()
                .position(|title| title == name)
                .with_context(|| format!("there is no column {name}"))?;
        }
        Ok(Self(places))
    }

    fn row(&self, record: &ByteRecord) -> Option<Row> {
        let [invoice, code, description, quantity, unit_price, customer] = self.0;
        let field = |place| record.get(place).map(text);
        Some(Row {
            invoice: field(invoice)?,
            // Whether it has spaces at its ends is told.
            code: record.get(code).map(decode)?,
            description: field(description)?,
            quantity: field(quantity)?,
            unit_price: field(unit_price)?,
            customer: field(customer)?,
        })
    }
}

fn text(bytes: &[u8]) -> String {
    decode(bytes).trim().to_owned()
}

fn decode(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};

    use super::{BrokenRow, Row, read, rows};

    const HEADER: &str = "InvoiceNo,StockCode,Description,Quantity,UnitPrice,CustomerID,Country\n";

    fn parse(body: &[u8]) -> Vec<Result<Row, BrokenRow>> {
        rows(&[HEADER.as_bytes(), body].concat()).unwrap().collect()
    }

    #[test]
    fn lines_come_with_quotes_resolved_and_ends_trimmed_but_for_the_code() {
        let parsed = parse(b"1, A ,\"SET, \"\"RED\"\"\",6, 2.55 ,17850,UK\n");
        let row = Row {
            invoice: "1".to_owned(),
            code: " A ".to_owned(),
            description: "SET, \"RED\"".to_owned(),
            quantity: "6".to_owned(),
            unit_price: "2.55".to_owned(),
            customer: "17850".to_owned(),
        };
        assert_eq!(parsed, [Ok(row)]);
    }

    #[test]
    fn a_line_that_is_too_short_is_told_and_the_next_one_is_read() {
        let parsed = parse(b"1,A\n2,B,b,1,1,,UK\n");
        assert_eq!(parsed[0], Err(BrokenRow));
        assert_eq!(parsed[1].as_ref().unwrap().invoice, "2");
    }

    #[test]
    fn latin_1_is_read_where_it_is_no_utf_8() {
        let parsed = parse(b"1,A,\xA35 MUG,1,1,,UK\n2,B,\xC2\xA35 MUG,1,1,,UK\n");
        for row in parsed {
            assert_eq!(row.unwrap().description, "£5 MUG");
        }
    }

    #[test]
    fn columns_are_found_by_name_and_a_missing_one_is_named() {
        let content = b"\xEF\xBB\xBFCustomerID,UnitPrice,Quantity,Description,StockCode,InvoiceNo\n7,2,3,d,A,1\n";
        let row = rows(content).unwrap().next().unwrap().unwrap();
        assert_eq!((row.customer.as_str(), row.invoice.as_str()), ("7", "1"));
        let error = rows(b"InvoiceNo,StockCode\n").err().unwrap();
        assert_eq!(error.to_string(), "there is no column Description");
    }

    #[test]
    fn compressed_and_plain_files_give_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let (plain, packed) = (dir.path().join("plain"), dir.path().join("packed"));
        std::fs::write(&plain, HEADER).unwrap();
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(HEADER.as_bytes()).unwrap();
        std::fs::write(&packed, encoder.finish().unwrap()).unwrap();
        assert_eq!(read(&plain).unwrap(), read(&packed).unwrap());
        assert!(read(&dir.path().join("none")).is_err());
    }
}
