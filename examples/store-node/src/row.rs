//! One row of an Online Retail CSV file, checked field by field.
//!
//! A row is a line of an invoice or an error that names the field. Nothing is guessed and nothing is rounded.

use csv::StringRecord;
use store::{Line, price_milli};

/// The header of the file, and the names that errors give to fields.
pub(crate) const COLUMNS: [&str; 8] =
    ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"];

/// Longest name of an invoice, a stock code, a customer or a country, in bytes. All are keys of entities.
const NAME_BYTES_MAX: usize = 80;

/// Most units of one line.
const UNITS_MAX: i64 = 1_000_000_000;

/// Most that one line may come to, in thousandths of a pound: sums of nine million such lines still fit.
const AMOUNT_MILLI_MAX: i64 = 1_000_000_000_000;

const _: () = assert!(i64::MAX / AMOUNT_MILLI_MAX > 9_000_000);

/// One line of one invoice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// The invoice's number.
    pub(crate) invoice: String,
    /// The line.
    pub(crate) line: Line,
}

/// A field that cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{column} `{value}` is {why}")]
pub(crate) struct FieldError {
    column: &'static str,
    value: String,
    why: String,
}

/// Reads one record of eight fields. The description is not needed and not kept.
pub(crate) fn read(record: &StringRecord) -> Result<Row, FieldError> {
    let field = |at: usize| Field { column: COLUMNS[at], text: record.get(at).unwrap_or_default() };
    let row = Row {
        invoice: field(0).name()?,
        line: Line {
            stock_code: field(1).name()?,
            units: field(3).units()?,
            time: field(4).time()?,
            price_milli: field(5).price()?,
            customer: field(6).name_or_empty()?,
            country: field(7).name_or_empty()?,
        },
    };
    let Line { units, price_milli, .. } = row.line;
    match units.checked_mul(price_milli).filter(|amount| amount.abs() <= AMOUNT_MILLI_MAX) {
        Some(_) => Ok(row),
        None => Err(field(5).error("too much for so many units")),
    }
}

/// One field, with the name of its column.
#[derive(Clone, Copy)]
struct Field<'a> {
    column: &'static str,
    text: &'a str,
}

impl Field<'_> {
    fn error(self, why: impl ToString) -> FieldError {
        FieldError { column: self.column, value: self.text.to_owned(), why: why.to_string() }
    }

    fn name(self) -> Result<String, FieldError> {
        if self.text.is_empty() { Err(self.error("empty")) } else { self.name_or_empty() }
    }

    fn name_or_empty(self) -> Result<String, FieldError> {
        match self.text.len() {
            0..=NAME_BYTES_MAX => Ok(self.text.to_owned()),
            _ => Err(self.error(format!("longer than {NAME_BYTES_MAX} bytes"))),
        }
    }

    fn units(self) -> Result<i64, FieldError> {
        let units: i64 = self.text.parse().map_err(|_| self.error("not a whole number"))?;
        match units {
            0 => Err(self.error("no quantity: a line is about something")),
            _ if units.abs() > UNITS_MAX => Err(self.error(format!("beyond {UNITS_MAX} units"))),
            _ => Ok(units),
        }
    }

    fn price(self) -> Result<i64, FieldError> {
        price_milli(self.text).map_err(|why| self.error(why))
    }

    /// A minute, in the one form that sorts as it reads.
    fn time(self) -> Result<String, FieldError> {
        let shape = "0000-00-00T00:00";
        let fits = self.text.len() == shape.len()
            && self.text.bytes().zip(shape.bytes()).all(|(byte, wanted)| match wanted {
                b'0' => byte.is_ascii_digit(),
                _ => byte == wanted,
            });
        let within = |from: usize, range: std::ops::RangeInclusive<u32>| {
            self.text.get(from..from + 2).and_then(|two| two.parse().ok()).is_some_and(|number| range.contains(&number))
        };
        if fits && within(5, 1..=12) && within(8, 1..=31) && within(11, 0..=23) && within(14, 0..=59) {
            Ok(self.text.to_owned())
        } else {
            Err(self.error("no time such as 2010-12-01T08:26"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: [&str; 8] = ["536365", "85123A", "", "6", "2010-12-01T08:26", "2.55", "17850", "United Kingdom"];

    fn with(at: usize, text: &str) -> Result<Row, FieldError> {
        let mut fields = GOOD;
        fields[at] = text;
        read(&StringRecord::from(fields.to_vec()))
    }

    #[test]
    fn a_row_is_read_exactly() {
        let row = with(1, "BANK CHARGES").unwrap();
        assert_eq!(row.invoice, "536365");
        assert_eq!(row.line.stock_code, "BANK CHARGES");
        assert_eq!((row.line.units, row.line.price_milli, row.line.amount_milli()), (6, 2_550, 15_300));
        assert_eq!((row.line.customer.as_str(), row.line.country.as_str()), ("17850", "United Kingdom"));
        assert_eq!(with(6, "").unwrap().line.customer, "");
        assert_eq!(with(3, "-80995").unwrap().line.units, -80_995);
    }

    #[test]
    fn a_field_that_cannot_be_used_is_named_with_its_reason() {
        let long = "x".repeat(81);
        let cases = [
            (0, "", "InvoiceNo `` is empty"),
            (1, "", "StockCode `` is empty"),
            (1, &long, &format!("StockCode `{long}` is longer than 80 bytes")),
            (3, "six", "Quantity `six` is not a whole number"),
            (3, "1.5", "Quantity `1.5` is not a whole number"),
            (3, "0", "Quantity `0` is no quantity: a line is about something"),
            (3, "1000000001", "Quantity `1000000001` is beyond 1000000000 units"),
            (4, "01/12/2010 08:26", "InvoiceDate `01/12/2010 08:26` is no time such as 2010-12-01T08:26"),
            (4, "2010-13-01T08:26", "InvoiceDate `2010-13-01T08:26` is no time such as 2010-12-01T08:26"),
            (4, "2010-12-01T24:00", "InvoiceDate `2010-12-01T24:00` is no time such as 2010-12-01T08:26"),
            (5, "2,55", "UnitPrice `2,55` is not a decimal number such as 2.55"),
            (5, "2.5555", "UnitPrice `2.5555` is more than three decimals"),
            (5, "999999999.999", "UnitPrice `999999999.999` is too much for so many units"),
        ];
        for (at, text, expected) in cases {
            assert_eq!(with(at, text).unwrap_err().to_string(), expected);
        }
    }
}
