//! Answers that come later, in the kit's worlds: a call waits until a later transaction answers it, or its time is over.

use std::time::Duration;

use apostate::prelude::*;
use apostate_test::World;

/// Gives units as long as it has any.
#[entity(name = "stock")]
#[derive(Default, Serialize, Deserialize)]
pub struct Stock {
    on_hand: u32,
}

/// Answers its customer once it knows what the stock says.
#[entity(name = "order")]
#[derive(Default, Serialize, Deserialize)]
pub struct Order {
    placed: Vec<Later<u32>>,
}

/// Sends an order on, and answers when that is answered: later than whoever asks it.
#[entity(name = "agent")]
#[derive(Default, Serialize, Deserialize)]
pub struct Agent {
    asked: Option<Later<u32>>,
}

/// Answers when it is told to.
#[entity(name = "office")]
#[derive(Default, Serialize, Deserialize)]
pub struct Office {
    waiting: Vec<Later<u32>>,
}

#[handlers]
impl Stock {
    /// Takes units in.
    #[open]
    pub fn receive(&mut self, units: u32) {
        self.on_hand += units;
    }

    /// Takes a unit out.
    pub fn take(&mut self) -> Result<u32, Refusal> {
        refuse!(self.on_hand == 0, "none left");
        self.on_hand -= 1;
        Ok(self.on_hand)
    }
}

#[handlers]
impl Order {
    /// Is answered with what is left.
    #[open]
    pub fn place(&mut self, tx: &mut Tx, is_worth_it: bool) -> Result<Later<u32>, Refusal> {
        refuse!(!is_worth_it, "not worth it");
        tx.ask(Stock::at("tea").take()).within(Duration::from_secs(24 * 3600)).then(Self::ON_TAKEN);
        let later = tx.later();
        self.placed.push(later.clone());
        Ok(later)
    }

    #[on]
    fn on_taken(&mut self, tx: &mut Tx, answer: Answer<u32>) {
        let later = self.placed.remove(0);
        let is_heard = match answer {
            Answer::Answered(left) => tx.answer(later.clone(), left),
            Answer::Refused(why) => tx.refuse(later.clone(), why),
            Answer::Expired | Answer::Failed(_) => panic!("the stock answers"),
        };
        assert!(is_heard && !tx.answer(later, 0), "an answer is given once");
    }
}

#[handlers]
impl Agent {
    /// Has an order placed.
    #[open]
    pub fn commission(&mut self, tx: &mut Tx, order: u32) -> Later<u32> {
        tx.ask(Order::at(order).place(true)).within(Duration::from_secs(24 * 3600)).then(Self::ON_PLACED);
        let later = tx.later();
        self.asked = Some(later.clone());
        later
    }

    #[on]
    fn on_placed(&mut self, tx: &mut Tx, answer: Answer<u32>) {
        let Some(later) = self.asked.take() else { return };
        match answer {
            Answer::Answered(left) => tx.answer(later, left),
            _ => tx.refuse(later, Refusal::new("no")),
        };
    }
}

#[handlers]
impl Office {
    /// Is answered within so many seconds.
    #[open]
    pub fn take(&mut self, tx: &mut Tx, seconds: u64) -> Later<u32> {
        let later = tx.later();
        self.waiting.push(later.clone());
        later.within(Duration::from_secs(seconds))
    }

    /// Answers all, and says for how many somebody was there.
    #[open]
    pub fn give(&mut self, tx: &mut Tx) -> usize {
        self.waiting.drain(..).filter(|later| tx.answer(later.clone(), 7)).count()
    }

    /// Leaves.
    #[open]
    pub fn leave(&mut self, tx: &mut Tx) {
        tx.delete();
    }
}

#[test]
fn a_caller_gets_the_answer_that_a_later_transaction_gives() {
    World::seeds(0..40).entities::<(Stock, Order, Agent, Office)>().run(|world| {
        world.call(Stock::at("tea").receive(3));
        assert_eq!(world.call(Order::at(1).place(false)), Err(Refusal::new("not worth it")));
        assert_eq!(world.call(Order::at(1).place(true)), Ok(2));
        assert_eq!(world.call(Agent::at("a").commission(1)), 1, "asked by an entity, it is the answer to that");
        for order in [2, 3] {
            world.send(Order::at(order).place(true));
        }
        world.settle();
        assert_eq!(world.get::<Stock>("tea").expect("it is there").on_hand, 0);
        assert_eq!(world.call(Order::at(1).place(true)), Err(Refusal::new("none left")));
        assert!(world.all::<Order>().all(|order| order.placed.is_empty()));
    });
}

#[test]
fn a_call_that_is_not_answered_waits_until_its_time_is_over() {
    World::seeds(0..20).entities::<(Stock, Order, Agent, Office)>().run(|world| {
        for seconds in [3600, 5] {
            world.send(Office::at("a").take(seconds));
            world.settle();
        }
        assert_eq!(
            world.get::<Office>("a").expect("it is there").waiting.len(),
            2,
            "a world is at rest while a call waits"
        );
        world.wait(Duration::from_secs(60));
        assert_eq!(world.call(Office::at("a").give()), 1, "nobody waits for the other one any more");
        world.send(Office::at("a").take(3600));
        world.settle();
        world.call(Office::at("a").leave());
        assert_eq!(world.call(Office::at("a").give()), 0);
    });
}
