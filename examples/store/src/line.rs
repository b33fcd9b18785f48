//! One line of an invoice, as it comes in from outside.

use apostate::{Refusal, data, refuse};

/// Longest name of anything, in characters: four bytes each are still a key.
const NAME_CHARS_MAX: usize = 60;

/// Most units of one line, bought or returned.
const UNITS_MAX: i64 = 1_000_000;

/// Highest price of one, a hundred thousand pounds: tens of thousands of the largest lines can still be added up. The line that takes
/// a total over the end panics; the workspace's `Cargo.toml` sees to that in release builds.
const PRICE_MILLI_MAX: i64 = 100_000_000;

/// One line of an invoice.
#[data]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The stock code. Case matters, and blanks are part of it.
    #[schemars(length(min = 1, max = 60))]
    pub stock_code: String,
    /// How many; below zero on returns and write-offs.
    #[schemars(range(min = -1_000_000, max = 1_000_000))]
    pub units: i64,
    /// The price of one, in thousandths of a pound.
    #[schemars(range(min = -100_000_000, max = 100_000_000))]
    pub price_milli: i64,
    /// When, as `YYYY-MM-DDTHH:MM`.
    #[schemars(length(max = 60))]
    pub time: String,
    /// The customer; empty if unknown.
    #[schemars(length(max = 60))]
    pub customer: String,
    /// Where the customer is.
    #[schemars(length(max = 60))]
    pub country: String,
}

impl Line {
    /// Refuses a line that cannot be booked: its names become keys, and its amount is added up with others.
    ///
    /// # Errors
    ///
    /// With the code `no-stock-code`, `name-too-long` or `out-of-range`.
    pub fn check(&self) -> Result<(), Refusal> {
        let Self { stock_code, units, price_milli, time, customer, country } = self;
        refuse!(stock_code.is_empty(), code = "no-stock-code", status = 422, "a line is about a stock code");
        for (field, name) in [("stock_code", stock_code), ("time", time), ("customer", customer), ("country", country)]
        {
            let is_long = name.chars().count() > NAME_CHARS_MAX;
            refuse!(
                is_long,
                code = "name-too-long",
                status = 422,
                "{field} is longer than {NAME_CHARS_MAX} characters"
            );
        }
        for (field, number, most) in [("units", units, UNITS_MAX), ("price_milli", price_milli, PRICE_MILLI_MAX)] {
            let is_out = !(-most..=most).contains(number);
            refuse!(is_out, code = "out-of-range", status = 422, "{field} is not from -{most} to {most}");
        }
        Ok(())
    }

    /// The amount of the line, in thousandths of a pound.
    #[must_use]
    pub fn amount_milli(&self) -> i64 {
        self.units * self.price_milli
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> Line {
        let [stock_code, time] = ["85123A", "2010-12-01T08:26"].map(str::to_owned);
        Line { stock_code, units: 6, price_milli: 2550, time, customer: String::new(), country: "France".to_owned() }
    }

    #[test]
    fn what_cannot_be_booked_is_refused() {
        assert_eq!(line().check(), Ok(()));
        let cases = [
            (Line { stock_code: String::new(), ..line() }, "no-stock-code"),
            (Line { customer: "x".repeat(NAME_CHARS_MAX + 1), ..line() }, "name-too-long"),
            (Line { units: UNITS_MAX + 1, ..line() }, "out-of-range"),
            (Line { price_milli: i64::MIN, ..line() }, "out-of-range"),
        ];
        for (line, code) in cases {
            assert_eq!(line.check().expect_err(code).code, code);
        }
    }
}
