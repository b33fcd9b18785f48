//! One line of an invoice, as it comes in from outside.

use apostate::data;

/// One line of an invoice.
#[data]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What it is about. Case matters, and blanks are part of it.
    pub stock_code: String,
    /// How many; below zero on returns and write-offs.
    pub units: i64,
    /// The price of one, in thousandths of a pound.
    pub price_milli: i64,
    /// When, as `YYYY-MM-DDTHH:MM`.
    pub time: String,
    /// Who buys; empty if nobody asked.
    pub customer: String,
    /// Where the customer is.
    pub country: String,
}

impl Line {
    /// What the line is worth, in thousandths of a pound.
    #[must_use]
    pub fn amount_milli(&self) -> i64 {
        self.units * self.price_milli
    }
}
