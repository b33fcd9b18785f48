//! The books: every kind of entity added up, and checked against the others.
//!
//! The same lines reach four kinds of entities on different ways. So the four sums are an audit of the
//! platform below: one message lost or applied twice, and they disagree.

use apostate::data;

use crate::class::{is_cancellation, is_correction};
use crate::{Country, Customer, Invoice, Stock, name_of};

/// The totals of the whole store. Names and nesting are those of `--json`.
#[data]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// How many of everything.
    pub counts: Counts,
    /// Units of goods.
    pub units: Units,
    /// Money, in thousandths of a pound.
    pub amounts_milli: Amounts,
    /// Units that stock still holds for an invoice, and units that an invoice still waits for.
    pub still_reserved: i64,
}

/// How many of everything.
#[data]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Lines of all classes.
    pub lines: u64,
    /// Lines that sold.
    pub sale_lines: u64,
    /// Lines that returned.
    pub return_lines: u64,
    /// Lines that adjusted.
    pub adjust_lines: u64,
    /// Invoices of all sorts.
    pub invoices: u64,
    /// Invoices that are neither cancellations nor corrections.
    pub plain_invoices: u64,
    /// Cancellations.
    pub cancelled_invoices: u64,
    /// Stock codes.
    pub stock_codes: u64,
    /// Customers that have a name.
    pub customers: u64,
    /// Countries.
    pub countries: u64,
}

/// Units of goods.
#[data]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Units {
    /// Sold.
    pub units_sold: i64,
    /// Come back.
    pub units_returned: i64,
    /// Written off; below zero when some were.
    pub units_adjusted: i64,
    /// Sold, less returned, and adjusted.
    pub units_net: i64,
}

/// Money, in thousandths of a pound.
#[data]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amounts {
    /// Came in.
    pub gross_milli: i64,
    /// Given back.
    pub returned_milli: i64,
    /// Put right; below zero when something was taken off.
    pub adjust_milli: i64,
    /// All together.
    pub net_milli: i64,
    /// All together, of lines without a customer.
    pub missing_customer_net_milli: i64,
}

/// Adds entities up, in any order.
#[derive(Clone, Debug, Default)]
pub struct Books {
    totals: Totals,
    by_invoices: Sums,
    by_stock: Sums,
    by_customers: Sums,
    by_countries: Sums,
    /// Pairs of an invoice and a stock code, as invoices count them.
    pairs: u64,
}

/// The sums that all four kinds keep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sums {
    lines: u64,
    units: i64,
    amount_milli: i64,
    /// Invoices; for stock, pairs of an invoice and a stock code.
    invoices: u64,
}

/// Why the books do not balance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Imbalance {
    /// Two kinds of entities that should tell the same tell different things.
    Disagree {
        /// About what.
        what: &'static str,
        /// The sum by the invoices.
        invoices: i64,
        /// The other kind.
        others: &'static str,
        /// The sum by the other kind.
        other: i64,
    },
    /// So many units are reserved, although no message is on its way.
    StillReserved(i64),
}

impl std::fmt::Display for Imbalance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Disagree { what, invoices, others, other } => {
                write!(f, "the books do not balance: {what}: {invoices} by the invoices, {other} by the {others}")
            }
            Self::StillReserved(units) => write!(f, "the books do not balance: {units} units are still reserved"),
        }
    }
}

impl std::error::Error for Imbalance {}

impl Books {
    /// Adds the invoice with the number `number`.
    pub fn add_invoice(&mut self, number: &str, invoice: &Invoice) {
        let counts = &mut self.totals.counts;
        counts.invoices += 1;
        counts.cancelled_invoices += u64::from(is_cancellation(number));
        counts.plain_invoices += u64::from(!is_cancellation(number) && !is_correction(number));
        self.totals.still_reserved += invoice.units_open();
        self.pairs += invoice.codes.len() as u64;
        self.by_invoices.add(invoice.lines, invoice.units, invoice.amount_milli, 1);
    }

    /// Adds the stock of one stock code.
    pub fn add_stock(&mut self, stock: &Stock) {
        let Totals { counts, units, still_reserved, .. } = &mut self.totals;
        counts.stock_codes += 1;
        counts.lines += stock.lines();
        counts.sale_lines += stock.sale_lines;
        counts.return_lines += stock.return_lines;
        counts.adjust_lines += stock.adjust_lines;
        units.units_sold += stock.units_sold;
        units.units_returned += stock.units_returned;
        units.units_adjusted += stock.units_adjusted;
        units.units_net += stock.units_net();
        *still_reserved += stock.reserved;
        self.by_stock.add(stock.lines(), stock.units_net(), stock.amount_net_milli, stock.invoices);
    }

    /// Adds the customer with the key `key`.
    pub fn add_customer(&mut self, key: &str, customer: &Customer) {
        let takings = &customer.takings;
        let Totals { counts, amounts_milli, .. } = &mut self.totals;
        amounts_milli.gross_milli += takings.gross_milli;
        amounts_milli.returned_milli += takings.returned_milli;
        amounts_milli.adjust_milli += takings.adjust_milli;
        amounts_milli.net_milli += takings.net_milli();
        if name_of(key).is_empty() {
            amounts_milli.missing_customer_net_milli += takings.net_milli();
        } else {
            counts.customers += 1;
        }
        self.by_customers.add(takings.lines, takings.units, takings.net_milli(), customer.invoices);
    }

    /// Adds one country.
    pub fn add_country(&mut self, country: &Country) {
        let takings = &country.takings;
        self.totals.counts.countries += 1;
        self.by_countries.add(takings.lines, takings.units, takings.net_milli(), country.invoices);
    }

    /// The totals.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// Checks that the kinds of entities agree, and that nothing is reserved. It holds whenever no message is on its
    /// way.
    ///
    /// # Errors
    ///
    /// The first thing that two kinds tell differently.
    pub fn balance(&self) -> Result<(), Imbalance> {
        let others = [("stock", self.by_stock), ("customers", self.by_customers), ("countries", self.by_countries)];
        for (name, sums) in others {
            let Sums { lines, units, amount_milli, invoices } = sums;
            // One stock code counts the invoices that touched it, so together they count pairs.
            let expected = if name == "stock" { self.pairs } else { self.by_invoices.invoices };
            agree("lines", self.by_invoices.lines as i64, name, lines as i64)?;
            agree("units", self.by_invoices.units, name, units)?;
            agree("amounts", self.by_invoices.amount_milli, name, amount_milli)?;
            agree("invoices", expected as i64, name, invoices as i64)?;
        }
        match self.totals.still_reserved {
            0 => Ok(()),
            units => Err(Imbalance::StillReserved(units)),
        }
    }
}

fn agree(what: &'static str, invoices: i64, others: &'static str, other: i64) -> Result<(), Imbalance> {
    if invoices == other { Ok(()) } else { Err(Imbalance::Disagree { what, invoices, others, other }) }
}

impl Sums {
    fn add(&mut self, lines: u64, units: i64, amount_milli: i64, invoices: u64) {
        self.lines += lines;
        self.units += units;
        self.amount_milli += amount_milli;
        self.invoices += invoices;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Takings;

    /// One invoice of one line for three units at 2.50, in all four kinds of entities.
    fn small_store() -> (Invoice, Stock, Customer, Country) {
        let takings = Takings { lines: 1, units: 3, gross_milli: 7_500, ..Takings::default() };
        let codes = ["BANK CHARGES".to_owned()].into();
        (
            Invoice { lines: 1, units: 3, amount_milli: 7_500, codes, ..Invoice::default() },
            Stock { sale_lines: 1, units_sold: 3, amount_net_milli: 7_500, invoices: 1, ..Stock::default() },
            Customer { invoices: 1, takings, ..Customer::default() },
            Country { invoices: 1, takings, ..Country::default() },
        )
    }

    fn books((invoice, stock, customer, country): (Invoice, Stock, Customer, Country)) -> Books {
        let mut books = Books::default();
        books.add_country(&country);
        books.add_customer("~", &customer);
        books.add_stock(&stock);
        books.add_invoice("536365", &invoice);
        books
    }

    #[test]
    fn a_store_in_which_all_agree_balances() {
        let books = books(small_store());
        assert_eq!(books.balance(), Ok(()));
        let Totals { counts, units, amounts_milli, still_reserved } = books.totals();
        assert_eq!((counts.lines, counts.sale_lines, counts.plain_invoices, counts.customers), (1, 1, 1, 0));
        assert_eq!((units.units_sold, units.units_net), (3, 3));
        assert_eq!((amounts_milli.net_milli, amounts_milli.missing_customer_net_milli), (7_500, 7_500));
        assert_eq!(still_reserved, 0);
    }

    #[test]
    fn a_message_too_many_or_too_few_is_noticed() {
        type Mishap = fn(&mut (Invoice, Stock, Customer, Country));
        let mishaps: [(Mishap, &str); 6] = [
            (|store| store.1.sale_lines += 1, "lines: 1 by the invoices, 2 by the stock"),
            (|store| store.1.invoices = 0, "invoices: 1 by the invoices, 0 by the stock"),
            (|store| store.2.takings.units += 3, "units: 3 by the invoices, 6 by the customers"),
            (|store| store.3.takings.gross_milli = 0, "amounts: 7500 by the invoices, 0 by the countries"),
            (|store| store.3.invoices = 2, "invoices: 1 by the invoices, 2 by the countries"),
            (|store| store.1.reserved = 3, "3 units are still reserved"),
        ];
        for (mishap, expected) in mishaps {
            let mut store = small_store();
            mishap(&mut store);
            let imbalance = books(store).balance().expect_err(expected);
            assert_eq!(imbalance.to_string(), format!("the books do not balance: {expected}"));
        }
    }
}
