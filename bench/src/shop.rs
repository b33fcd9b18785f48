//! The entities of `reserve` and `step`: orders, and the stock that they reserve.
//!
//! They hold and do what those of the ceiling do that the workload is compared with, and are written as any author
//! would write them.
//!
//! ```text
//!   client ── place ──▶ Order ── reserve ──▶ Stock      for each of three lines
//!                         ▲ └──── confirm ──▶ │
//!                         └────── reserved ───┘          10 messages an order
//! ```
//!
//! With `--agreements` the same is one agreement, and the messages are the platform's: try, answer and ending for each line, and the outcome.

use std::collections::BTreeMap;
use std::time::Duration;

use apostate::prelude::*;

/// The initial stock of every item: more than can be ordered.
pub(crate) const ON_HAND: i64 = 1 << 40;

/// The kinds of the workload.
pub(crate) type Shop = (Order, Stock);

/// One order.
#[entity(name = "order")]
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Order {
    /// Item, units, and whether they are reserved.
    pub(crate) lines: Vec<(u64, u32, bool)>,
    /// Lines that are not reserved yet.
    pub(crate) waiting: u32,
    /// Whether all were, and were confirmed.
    pub(crate) confirmed: bool,
}

/// The stock of one item.
#[entity(name = "stock")]
#[derive(Serialize, Deserialize)]
pub(crate) struct Stock {
    /// Units that can be promised.
    pub(crate) on_hand: i64,
    /// Units promised, by order.
    pub(crate) held: BTreeMap<u64, u32>,
    /// Units sold.
    pub(crate) sold: i64,
}

impl Default for Stock {
    fn default() -> Self {
        Self { on_hand: ON_HAND, held: BTreeMap::new(), sold: 0 }
    }
}

#[handlers]
impl Order {
    /// Places the order.
    #[open]
    pub fn place(&mut self, tx: &mut Tx, lines: Vec<(u64, u32)>) {
        self.waiting = lines.len() as u32;
        for &(item, units) in &lines {
            tx.send(Stock::at(item).reserve(units));
        }
        self.lines = lines.into_iter().map(|(item, units)| (item, units, false)).collect();
    }

    /// Places the order, as an agreement with its items.
    #[open]
    pub fn agree(&mut self, tx: &mut Tx, lines: Vec<(u64, u32)>) {
        let holds = lines.iter().map(|&(item, units)| Stock::at(item).hold(units));
        tx.propose(Agreement::within(Duration::from_secs(900)).ask_all(holds).then(Self::DECIDED));
        self.waiting = lines.len() as u32;
        self.lines = lines.into_iter().map(|(item, units)| (item, units, false)).collect();
    }

    #[on]
    fn decided(&mut self, outcome: Outcome) {
        if let Outcome::Agreed { .. } = outcome {
            self.confirmed = true;
            self.waiting = 0;
        }
    }

    /// An item has reserved what it was asked for.
    pub fn reserved(&mut self, tx: &mut Tx) {
        let item = sender(tx);
        if let Some(line) = self.lines.iter_mut().find(|line| line.0 == item && !line.2) {
            line.2 = true;
        }
        self.waiting -= 1;
        if self.waiting == 0 {
            self.confirmed = true;
            for &(item, _, _) in &self.lines {
                tx.send(Stock::at(item).confirm());
            }
        }
    }

    /// The result: whether it is confirmed, and its units.
    #[open]
    pub fn outcome(&self) -> (bool, i64) {
        (self.confirmed && self.waiting == 0, self.lines.iter().map(|line| i64::from(line.1)).sum())
    }
}

#[handlers]
impl Stock {
    /// Promises units to the order that asks.
    pub fn reserve(&mut self, tx: &mut Tx, units: u32) {
        let order = sender(tx);
        self.on_hand -= i64::from(units);
        *self.held.entry(order).or_default() += units;
        tx.send(Order::at(order).reserved());
    }

    /// Promises units for an agreement.
    #[tentative(confirm = sell, cancel = put_back)]
    pub fn hold(&mut self, units: u32) -> Result<(), Refusal> {
        refuse!(self.on_hand < i64::from(units), "only {} left", self.on_hand);
        self.on_hand -= i64::from(units);
        Ok(())
    }

    fn sell(&mut self, units: u32) {
        self.sold += i64::from(units);
    }

    fn put_back(&mut self, units: u32) {
        self.on_hand += i64::from(units);
    }

    /// Sells what was promised to the order that asks.
    pub fn confirm(&mut self, tx: &mut Tx) {
        if let Some(units) = self.held.remove(&sender(tx)) {
            self.sold += i64::from(units);
        }
    }

    /// The result: units on hand, orders that hold some, units sold.
    #[open]
    pub fn outcome(&self) -> (i64, usize, i64) {
        (self.on_hand, self.held.len(), self.sold)
    }
}

/// The number of the order or item that sent the message: keys are numbers here.
fn sender(tx: &Tx) -> u64 {
    tx.sender().and_then(|sender| sender.key().as_str().parse().ok()).expect("sent by an order or an item")
}
