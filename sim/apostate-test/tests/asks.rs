//! Asks in the kit's worlds: what an entity asks another one is answered once, and what is not answered in time expires.

use std::time::Duration;

use apostate::prelude::*;
use apostate_test::World;

/// Gives units as long as it has any.
#[entity(name = "stock")]
#[derive(Default, Serialize, Deserialize)]
pub struct Stock {
    on_hand: u32,
}

/// Takes units of a stock.
#[entity(name = "order")]
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Order {
    asked: u32,
    taken: u32,
    refused: u32,
    failed: u32,
    expired: u32,
    level: Option<u32>,
}

#[handlers]
impl Stock {
    /// Takes units in.
    #[open]
    pub fn receive(&mut self, units: u32) {
        self.on_hand += units;
    }

    /// Takes a unit out. The last one sticks.
    pub fn take(&mut self) -> Result<u32, Refusal> {
        refuse!(self.on_hand == 0, "none left");
        self.on_hand -= 1;
        assert!(self.on_hand > 0, "it sticks");
        Ok(self.on_hand)
    }

    /// Units on hand.
    pub fn level(&self) -> u32 {
        self.on_hand
    }
}

#[handlers]
impl Order {
    /// Asks for so many units.
    #[open]
    pub fn place(&mut self, tx: &mut Tx, units: u32, patience: u64) {
        for _ in 0..units {
            self.asked += 1;
            tx.ask(Stock::at("tea").take()).within(Duration::from_secs(patience)).then(Self::ON_TAKEN);
        }
    }

    /// Asks what is left of a product.
    #[open]
    pub fn inspect(&mut self, tx: &mut Tx, product: String) {
        tx.ask(Stock::at(product).level()).within(Duration::from_secs(3600)).then(Self::ON_LEVEL);
    }

    #[on]
    fn on_taken(&mut self, tx: &mut Tx, answer: Answer<u32>) {
        assert_eq!(tx.sender().map(|stock| stock.key().as_str()), Some("tea"));
        match answer {
            Answer::Answered(_) => self.taken += 1,
            Answer::Refused(_) => self.refused += 1,
            Answer::Failed(reason) => {
                assert_eq!(reason.code, "handler-panicked");
                self.failed += 1;
            }
            Answer::Expired => self.expired += 1,
        }
    }

    #[on]
    fn on_level(&mut self, answer: Answer<u32>) {
        self.level = match answer {
            Answer::Answered(level) => Some(level),
            _ => None,
        };
    }
}

#[test]
fn every_ask_is_answered_once_with_what_the_partner_did() {
    World::seeds(0..40).entities::<(Order, Stock)>().run(|world| {
        world.call(Stock::at("tea").receive(10));
        (0..4).for_each(|order| world.send(Order::at(order).place(3, 24 * 3600)));
        world.settle();
        let (mut taken, mut denied) = (0, 0);
        for order in world.all::<Order>() {
            let Order { asked, taken: own, refused, failed, expired, .. } = order.entity;
            assert_eq!((own + refused + failed, expired), (asked, 0), "{}", order.key);
            taken += own;
            denied += refused + failed;
        }
        // The tenth one sticks, and nobody gets it.
        assert_eq!((taken, denied), (9, 3));
        assert_eq!(world.get::<Stock>("tea").expect("it is there").on_hand, 1);
    });
}

#[test]
fn a_read_is_answered_and_one_of_nothing_fails() {
    World::seeds(0..20).entities::<(Order, Stock)>().run(|world| {
        world.call(Stock::at("tea").receive(7));
        world.call(Order::at(1).inspect("tea".to_owned()));
        world.call(Order::at(2).inspect("coffee".to_owned()));
        world.settle();
        let level = |world: &mut World, key: u32| world.get::<Order>(key).expect("it is there").level;
        assert_eq!((level(world, 1), level(world, 2)), (Some(7), None));
    });
}
