//! Orders and stock: each line of an order is asked for by message, and may be refused. Nothing is oversold, and in
//! the end nothing is still reserved.

use apostate::prelude::*;

/// The stock of one product; there is so much of it when the run begins.
pub(crate) const FIRST_STOCK: u32 = 40;

/// An order.
#[entity(name = "order")]
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Order {
    /// Transactions that have changed it.
    pub(crate) applied: u64,
    pub(crate) lines: Vec<Line>,
    pub(crate) placed: bool,
    pub(crate) decided: bool,
}

/// One line of an order.
#[data]
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) product: u16,
    pub(crate) units: u32,
    /// None until the stock has answered; then whether it reserved.
    pub(crate) answer: Option<bool>,
}

#[handlers]
impl Order {
    /// Asks the stock for every line.
    #[open]
    pub fn place(&mut self, tx: &mut Tx, lines: Vec<Line>) -> Result<u64, Refusal> {
        refuse!(self.placed, code = "placed", "already placed");
        self.applied += 1;
        self.placed = true;
        for line in &lines {
            tx.send(Stock::at(line.product).reserve(line.units).or_tell(Self::ON_REFUSED));
        }
        self.lines = lines;
        Ok(self.applied)
    }

    /// One line is reserved.
    pub fn reserved(&mut self, tx: &mut Tx) {
        self.applied += 1;
        self.answered(tx, true);
    }

    #[on]
    fn on_refused(&mut self, tx: &mut Tx, refused: Refused) {
        self.applied += 1;
        assert_eq!(refused.why.code, "out-of-stock");
        self.answered(tx, false);
    }

    fn answered(&mut self, tx: &mut Tx, is_reserved: bool) {
        let product: u16 = tx.sender().expect("a stock").key().as_str().parse().expect("a number");
        // Two lines of one product are answered in the order asked.
        let open = self.lines.iter_mut().find(|line| line.product == product && line.answer.is_none());
        open.expect("an answer to a line that was asked for").answer = Some(is_reserved);
        if self.lines.iter().any(|line| line.answer.is_none()) {
            return;
        }
        self.decided = true;
        let is_agreed = self.lines.iter().all(|line| line.answer == Some(true));
        for line in self.lines.iter().filter(|line| line.answer == Some(true)) {
            let stock = Stock::at(line.product);
            tx.send(if is_agreed { stock.sell(line.units) } else { stock.put_back(line.units) });
        }
    }
}

/// The stock of one product. Its key is the product's number.
#[entity(name = "stock")]
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Stock {
    /// Transactions that have changed it.
    pub(crate) applied: u64,
    pub(crate) on_hand: u32,
    pub(crate) reserved: u32,
    pub(crate) sold: u32,
}

impl Default for Stock {
    fn default() -> Self {
        Self { applied: 0, on_hand: FIRST_STOCK, reserved: 0, sold: 0 }
    }
}

#[handlers]
impl Stock {
    /// Promises units to an order, or refuses.
    pub fn reserve(&mut self, tx: &mut Tx, units: u32) -> Result<(), Refusal> {
        refuse!(self.on_hand < units, code = "out-of-stock", "only {} left", self.on_hand);
        self.applied += 1;
        self.on_hand -= units;
        self.reserved += units;
        let order = tx.sender().expect("an order").key().clone();
        tx.send(Order::at(order).reserved());
        Ok(())
    }

    /// Sells what was promised.
    pub fn sell(&mut self, units: u32) {
        self.applied += 1;
        self.reserved -= units;
        self.sold += units;
    }

    /// Takes back what was promised.
    pub fn put_back(&mut self, units: u32) {
        self.applied += 1;
        self.reserved -= units;
        self.on_hand += units;
    }
}
