//! The invoice: the hub that its stock codes, its customer and its country are spokes of.
//!
//! It never knows which line is its last; so it bills whenever no reservation is undecided, and only for what was not billed yet.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

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
    /// The reservations that are undecided, by their agreements.
    #[serde(default)]
    pub undecided: BTreeMap<AgreementId, Reservation>,
    /// The reservations that have failed, and that it will ask for again.
    #[serde(default)]
    pub failed: Vec<Reservation>,
    /// The orders that are placed and undecided, by their agreements.
    #[serde(default)]
    pub placed: BTreeMap<AgreementId, Placed>,
    /// The takings that customer and country were not told yet.
    pub unbilled: Takings,
    /// Whether they have heard of it at all.
    pub billed: bool,
}

/// A part that an invoice asks a stock code to reserve.
#[data]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// The stock code.
    pub stock_code: String,
    /// The part.
    pub part: Part,
}

/// An order that is placed: all of its lines are taken, or none is.
#[data]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The lines.
    pub lines: Vec<Line>,
    /// The call that waits for its answer.
    pub waits: Later<Confirmation>,
}

/// The answer to an order that is confirmed.
#[data]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Confirmation {
    /// How many lines it has.
    pub lines: u64,
    /// Their units, added up.
    pub units: i64,
    /// Their amounts, added up, in thousandths of a pound.
    pub amount_milli: i64,
}

/// Most lines of one order.
const LINES_MAX: usize = 1000;

/// The time that a stock code has for its answer: milliseconds as a rule, and more only where a node is down.
const PATIENCE: Duration = Duration::from_secs(24 * 3600);

/// How long a stock code that could not reserve anything is left alone.
const PAUSE: Duration = Duration::from_secs(60);

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
            Class::Sale => self.reserve(tx, Reservation { stock_code: line.stock_code, part }),
            Class::Return => tx.send(stock.take_back(part)),
            Class::Adjust => tx.send(stock.adjust(part)),
        }
        self.bill(tx);
        Ok(())
    }

    /// Places an order of lines that sell. It is confirmed when all stock codes have reserved their units, and refused if one cannot: then none of
    /// its lines is taken.
    #[open]
    pub fn place(&mut self, tx: &mut Tx, lines: Vec<Line>) -> Result<Later<Confirmation>, Refusal> {
        let is_some = (1..=LINES_MAX).contains(&lines.len());
        refuse!(!is_some, code = "out-of-range", status = 422, "an order has 1 to {LINES_MAX} lines");
        for line in &lines {
            line.check()?;
            let is_sale = Class::of(tx.key().as_str(), line.units) == Class::Sale;
            refuse!(!is_sale, code = "not-a-sale", status = 422, "an order has lines that sell, and nothing else");
        }
        let tries = lines.iter().map(|line| {
            // Whether the invoice is new to the stock code is known when it is agreed.
            let amount_milli = line.amount_milli();
            Stock::at(&line.stock_code).reserve(Part { first: false, lines: 1, units: line.units, amount_milli })
        });
        let agreement = tx.propose(Agreement::within(PATIENCE).ask_all(tries).then(Self::ORDERED));
        let waits = tx.later();
        self.placed.insert(agreement, Placed { lines, waits: waits.clone() });
        Ok(waits)
    }

    /// Outcome of an order.
    #[on]
    fn ordered(&mut self, tx: &mut Tx, outcome: Outcome) {
        let agreement = tx.agreement().expect("an outcome is that of an agreement");
        let Placed { lines, waits } = self.placed.remove(&agreement).expect("it has been placed until now");
        match outcome {
            Outcome::Agreed { .. } => {
                let mut confirmed = Confirmation { lines: 0, units: 0, amount_milli: 0 };
                for line in lines {
                    if self.codes.insert(line.stock_code.clone()) {
                        tx.send(Stock::at(&line.stock_code).meet());
                    }
                    confirmed.lines += 1;
                    confirmed.units += line.units;
                    confirmed.amount_milli += line.amount_milli();
                    self.unbilled.add(Takings::of(Class::Sale, &line));
                    self.write(&line);
                }
                self.bill(tx);
                tx.answer(waits, confirmed);
            }
            Outcome::Refused { why, .. } => {
                tx.refuse(waits, why);
            }
            Outcome::Expired => {
                let why = "a stock code did not answer in time; none of the order's lines is taken";
                tx.refuse(waits, Refusal::with_code("expired", why));
            }
        }
    }

    /// Outcome of a reservation. A line that was taken stays: if its units cannot be reserved, the stock is asked again.
    #[on]
    fn decided(&mut self, tx: &mut Tx, outcome: Outcome) {
        let agreement = tx.agreement().expect("an outcome is that of an agreement");
        let reservation = self.undecided.remove(&agreement).expect("it has been undecided until now");
        if let Outcome::Agreed { .. } = outcome {
            self.bill(tx);
        } else {
            self.failed.push(reservation);
            let reserve_again = Self::at(tx.key()).reserve_again();
            tx.timer("reserve again").send_after(PAUSE, reserve_again);
        }
    }

    /// Asks for all that has failed.
    pub fn reserve_again(&mut self, tx: &mut Tx) {
        for reservation in std::mem::take(&mut self.failed) {
            self.reserve(tx, reservation);
        }
    }

    /// Proposes to a stock code that it sell a part to this invoice.
    fn reserve(&mut self, tx: &mut Tx, reservation: Reservation) {
        let units = Stock::at(&reservation.stock_code).reserve(reservation.part);
        let agreement = tx.propose(Agreement::within(PATIENCE).ask(units).then(Self::DECIDED));
        self.undecided.insert(agreement, reservation);
    }

    /// Bills what was not billed yet, unless something is undecided.
    fn bill(&mut self, tx: &mut Tx) {
        if self.undecided.is_empty() && self.failed.is_empty() && self.unbilled.lines > 0 {
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

    /// Units that it has sold, and that are not known to be reserved.
    #[must_use]
    pub fn units_open(&self) -> i64 {
        self.undecided.values().chain(&self.failed).map(|reservation| reservation.part.units).sum()
    }
}
