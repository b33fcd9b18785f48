//! The invoice: the hub that its stock codes, its customer and its country are spokes of.
//!
//! The hold on each stock code that it waits for is one of the paper's *activities*. It never knows
//! which line is its last; so it bills whenever nothing is open, and only for what was not billed yet.

use std::collections::{BTreeMap, BTreeSet};

use apostate::prelude::*;

use crate::class::is_cancellation;
use crate::{Class, Country, Customer, Line, Part, Stock, Takings, key_of};

/// One invoice.
#[entity(name = "invoice")]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invoice {
    /// How many lines it has.
    pub lines: u64,
    /// Their units, added up.
    pub units: i64,
    /// Their amounts, added up, in thousandths of a pound.
    pub amount_milli: i64,
    /// The customer of its first line; empty if unknown.
    pub customer: String,
    /// The country of its first line.
    pub country: String,
    /// When its earliest line was written.
    pub first_time: String,
    /// When its latest line was written.
    pub last_time: String,
    /// Every stock code that it has had to do with.
    pub codes: BTreeSet<String>,
    /// The reservations that it waits for, by stock code.
    pub holds: BTreeMap<String, Hold>,
    /// The takings that customer and country were not told yet.
    pub unbilled: Takings,
    /// Whether they have heard of it at all.
    pub billed: bool,
}

/// A reservation that is on its way: what an invoice remembers about a stock code until the stock has answered.
///
/// Later lines of the same code raise it. It is confirmed as a whole, when nothing of it is unanswered.
#[data]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hold {
    /// How many answers are missing.
    pub unanswered: u32,
    /// The part that will be confirmed.
    pub part: Part,
}

#[handlers]
impl Invoice {
    /// Takes one more line, unless it cannot be booked.
    #[open]
    pub fn line(&mut self, tx: &mut Tx, line: Line) -> Result<(), Refusal> {
        line.check()?;
        let class = Class::of(tx.key().as_str(), line.units);
        let first = self.codes.insert(line.stock_code.clone());
        let part = Part { first, lines: 1, units: line.units, amount_milli: line.amount_milli() };
        let stock = Stock::at(&line.stock_code);
        self.unbilled.add(Takings::of(class, &line));
        self.write(&line);
        match class {
            Class::Sale => {
                self.holds.entry(line.stock_code).or_default().raise(part);
                tx.send(stock.reserve(part.units));
            }
            Class::Return => tx.send(stock.take_back(part)),
            Class::Adjust => tx.send(stock.adjust(part)),
        }
        self.bill(tx);
        Ok(())
    }

    /// A stock code has reserved what it was asked for.
    pub fn reserved(&mut self, tx: &mut Tx) {
        let stock_code = tx.sender().expect("only a stock code answers").key().clone();
        let hold = self.holds.get_mut(stock_code.as_str()).expect("a stock code answers what it was asked");
        hold.unanswered -= 1;
        if hold.unanswered == 0 {
            tx.send(Stock::at(&stock_code).confirm(hold.part));
            self.holds.remove(stock_code.as_str());
            self.bill(tx);
        }
    }

    /// Bills what was not billed yet, unless something is open.
    fn bill(&mut self, tx: &mut Tx) {
        if self.holds.is_empty() && self.unbilled.lines > 0 {
            let first = !std::mem::replace(&mut self.billed, true);
            let takings = std::mem::take(&mut self.unbilled);
            tx.send(Customer::at(key_of(&self.customer)).bill(first, self.country.clone(), takings));
            tx.send(Country::at(key_of(&self.country)).bill(first, takings));
        }
    }

    /// Writes the line into the invoice itself.
    fn write(&mut self, line: &Line) {
        self.units += line.units;
        self.amount_milli += line.amount_milli();
        if self.lines == 0 {
            self.customer.clone_from(&line.customer);
            self.country.clone_from(&line.country);
        }
        if self.lines == 0 || line.time < self.first_time {
            self.first_time.clone_from(&line.time);
        }
        if self.lines == 0 || line.time > self.last_time {
            self.last_time.clone_from(&line.time);
        }
        self.lines += 1;
    }
}

impl Invoice {
    /// Whether the invoice numbered `number` takes back what another one sold.
    #[must_use]
    pub fn is_cancelled(number: &str) -> bool {
        is_cancellation(number)
    }

    /// Units that it has asked for, and has not confirmed.
    #[must_use]
    pub fn units_open(&self) -> i64 {
        self.holds.values().map(|hold| hold.part.units).sum()
    }
}

impl Hold {
    fn raise(&mut self, part: Part) {
        self.unanswered += 1;
        self.part.add(part);
    }
}
