//! Takings: sums over lines, which can be added in any order.

use apostate::data;

use crate::{Class, Line};

/// The sums of some lines.
#[data]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Takings {
    /// How many lines.
    pub lines: u64,
    /// All their units, returned and adjusted ones included.
    pub units: i64,
    /// Money received, in thousandths of a pound.
    pub gross_milli: i64,
    /// Money returned on cancellations; above zero when something was.
    pub returned_milli: i64,
    /// Corrections; below zero when something was taken off.
    pub adjust_milli: i64,
}

impl Takings {
    /// The contribution of one line of a class.
    #[must_use]
    pub fn of(class: Class, line: &Line) -> Self {
        let amount = line.amount_milli();
        let (gross_milli, returned_milli, adjust_milli) = match class {
            Class::Return => (0, -amount, 0),
            Class::Sale | Class::Adjust => (amount.max(0), 0, amount.min(0)),
        };
        Self { lines: 1, units: line.units, gross_milli, returned_milli, adjust_milli }
    }

    /// Adds the others.
    pub fn add(&mut self, others: Self) {
        let Self { lines, units, gross_milli, returned_milli, adjust_milli } = others;
        self.lines += lines;
        self.units += units;
        self.gross_milli += gross_milli;
        self.returned_milli += returned_milli;
        self.adjust_milli += adjust_milli;
    }

    /// All amounts together.
    #[must_use]
    pub fn net_milli(&self) -> i64 {
        self.gross_milli - self.returned_milli + self.adjust_milli
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn takings(invoice: &str, units: i64, price_milli: i64) -> Takings {
        let [stock_code, time, customer, country] = [const { String::new() }; 4];
        let line = Line { stock_code, units, price_milli, time, customer, country };
        Takings::of(Class::of(invoice, units), &line)
    }

    #[test]
    fn an_amount_lands_on_one_side() {
        let cases = [
            ("536365", 6, 2_550, (15_300, 0, 0)),
            ("C536379", -1, 27_500, (0, 27_500, 0)),
            ("536589", -10, 0, (0, 0, 0)),
            ("A563185", 1, 11_062_060, (11_062_060, 0, 0)),
            ("A563186", 1, -11_062_060, (0, 0, -11_062_060)),
        ];
        for (invoice, units, price, sides) in cases {
            let takings = takings(invoice, units, price);
            assert_eq!((takings.gross_milli, takings.returned_milli, takings.adjust_milli), sides, "{invoice}");
            assert_eq!(takings.net_milli(), units * price, "{invoice}");
        }
    }

    #[test]
    fn sums_do_not_depend_on_the_order() {
        let parts = [takings("1", 2, 5), takings("C2", -1, 3), takings("3", 1, -7), takings("4", -2, 0)];
        let sum = |order: [usize; 4]| {
            let mut sum = Takings::default();
            order.into_iter().for_each(|at| sum.add(parts[at]));
            sum
        };
        assert_eq!(sum([0, 1, 2, 3]), sum([3, 1, 0, 2]));
        assert_eq!(sum([0, 1, 2, 3]).net_milli(), 0);
        assert_eq!(sum([0, 1, 2, 3]).lines, 4);
    }
}
