//! The guide's own example: orders reserve stock, and nothing is oversold.

use apostate::prelude::*;
use apostate_test::World;

/// The stock of one product.
#[entity(name = "stock")]
#[derive(Default, Serialize, Deserialize)]
pub struct Stock {
    on_hand: u32,
    sold: u64,
}

#[handlers]
impl Stock {
    /// Takes in delivered units and answers with the new level.
    #[open]
    pub fn receive(&mut self, units: u32) -> u32 {
        self.on_hand += units;
        self.on_hand
    }

    /// Units that can still be promised.
    #[open]
    pub fn available(&self) -> u32 {
        self.on_hand
    }

    /// Sells units to the order that asks.
    pub fn take(&mut self, tx: &mut Tx, units: u32) -> Result<(), Refusal> {
        refuse!(self.on_hand < units, "only {} left", self.on_hand);
        self.on_hand -= units;
        self.sold += u64::from(units);
        let order = tx.sender().expect("only an order takes").key().clone();
        tx.send(Order::at(order).taken());
        Ok(())
    }
}

/// An order of a customer.
#[entity(name = "order")]
#[derive(Default, Serialize, Deserialize)]
pub struct Order {
    open: usize,
    missing: usize,
}

#[handlers]
impl Order {
    /// Places the order.
    #[open]
    pub fn place(&mut self, tx: &mut Tx, lines: Vec<(String, u32)>) -> Result<(), Refusal> {
        refuse!(self.open + self.missing > 0, "already placed");
        self.open = lines.len();
        for (product, units) in lines {
            tx.send(Stock::at(product).take(units).or_tell(Self::ON_REFUSED));
        }
        Ok(())
    }

    /// One line has its units.
    pub fn taken(&mut self) {
        self.open -= 1;
    }

    #[on]
    fn on_refused(&mut self, _why: Refused) {
        self.open -= 1;
        self.missing += 1;
    }
}

impl Order {
    fn is_confirmed(&self) -> bool {
        self.open == 0 && self.missing == 0
    }
}

fn one(product: &str) -> Vec<(String, u32)> {
    vec![(product.to_owned(), 1)]
}

#[test]
fn orders_never_oversell() {
    World::seeds(0..200).entities::<(Order, Stock)>().run(|world| {
        world.call(Stock::at("tea").receive(10));
        for n in 0..20 {
            world.send(Order::at(n).place(one("tea")));
        }
        world.settle(); // faults, then heal, then quiet
        assert_eq!(world.read(Stock::at("tea").available()), 0);
        assert_eq!(world.all::<Order>().filter(|order| order.is_confirmed()).count(), 10);
    });
}

#[test]
fn a_call_tells_its_refusal() {
    World::seeds(0..20).entities::<(Order, Stock)>().run(|world| {
        assert_eq!(world.call(Order::at(1).place(Vec::new())), Ok(()));
        assert_eq!(world.call(Order::at(1).place(one("tea"))), Ok(()), "an order of nothing is not placed yet");
        let refusal = world.call(Order::at(1).place(one("tea"))).expect_err("it was placed");
        assert_eq!(refusal.text, "already placed");
        world.settle();
        assert_eq!(world.get::<Order>(1).map(|order| order.missing), Some(1));
        assert!(world.get::<Order>(2).is_none(), "nobody asked for it");
    });
}
