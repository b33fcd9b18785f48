//! The stock of one product: units promised, sold and returned.
//!
//! The initial stock is unknown when the log of orders begins, so a reservation is never refused, and the
//! units sold may be less than those returned.

use apostate::prelude::*;

/// The stock of one stock code.
#[entity(name = "stock")]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stock {
    /// Units promised to invoices, of which it is not decided yet whether they are sold.
    pub reserved: i64,
    /// Lines that sold.
    pub sale_lines: u64,
    /// Lines that returned.
    pub return_lines: u64,
    /// Lines that adjusted.
    pub adjust_lines: u64,
    /// Units sold.
    pub units_sold: i64,
    /// Units that came back.
    pub units_returned: i64,
    /// Units written off; below zero when some were.
    pub units_adjusted: i64,
    /// The amounts of all lines, in thousandths of a pound.
    pub amount_net_milli: i64,
    /// Invoices that have had to do with it.
    pub invoices: u64,
}

/// The part of an invoice that concerns one stock code.
#[data]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// Whether the invoice's first line of this stock code is among them.
    pub first: bool,
    /// How many lines.
    pub lines: u64,
    /// Their units.
    pub units: i64,
    /// Their amounts, in thousandths of a pound.
    pub amount_milli: i64,
}

#[handlers]
impl Stock {
    /// Promises units to an invoice.
    #[tentative(confirm = sell, cancel = put_back)]
    pub fn reserve(&mut self, part: Part) -> Result<(), Refusal> {
        self.reserved += part.units;
        Ok(())
    }

    fn sell(&mut self, part: Part) {
        self.reserved -= part.units;
        self.sale_lines += part.lines;
        self.units_sold += part.units;
        self.count(part);
    }

    fn put_back(&mut self, part: Part) {
        self.reserved -= part.units;
    }

    /// Has to do with one more invoice.
    pub fn meet(&mut self) {
        self.invoices += 1;
    }

    /// Takes units back.
    pub fn take_back(&mut self, part: Part) {
        self.return_lines += part.lines;
        self.units_returned -= part.units;
        self.count(part);
    }

    /// Writes units off.
    pub fn adjust(&mut self, part: Part) {
        self.adjust_lines += part.lines;
        self.units_adjusted += part.units;
        self.count(part);
    }

    /// The update that all classes of lines have in common.
    fn count(&mut self, part: Part) {
        self.amount_net_milli += part.amount_milli;
        self.invoices += u64::from(part.first);
    }
}

impl Stock {
    /// All lines.
    #[must_use]
    pub fn lines(&self) -> u64 {
        self.sale_lines + self.return_lines + self.adjust_lines
    }

    /// All units that left, less those that came back.
    #[must_use]
    pub fn units_net(&self) -> i64 {
        self.units_sold - self.units_returned + self.units_adjusted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_lands_in_columns_of_its_own() {
        let mut stock = Stock { reserved: 6, ..Stock::default() };
        stock.sell(Part { first: true, lines: 2, units: 6, amount_milli: 15_300 });
        stock.take_back(Part { first: true, lines: 1, units: -2, amount_milli: -5_100 });
        stock.adjust(Part { first: false, lines: 1, units: -5, amount_milli: 0 });
        let expected = Stock {
            reserved: 0,
            sale_lines: 2,
            return_lines: 1,
            adjust_lines: 1,
            units_sold: 6,
            units_returned: 2,
            units_adjusted: -5,
            amount_net_milli: 10_200,
            invoices: 2,
        };
        assert_eq!(stock, expected);
        assert_eq!((stock.lines(), stock.units_net()), (4, -1));
    }

    #[test]
    fn what_is_put_back_was_never_there() {
        let mut stock = Stock::default();
        let part = Part { first: true, lines: 1, units: 6, amount_milli: 600 };
        assert_eq!(stock.reserve(part), Ok(()));
        assert_eq!(stock.reserved, 6);
        stock.put_back(part);
        assert_eq!(stock, Stock::default());
    }
}
