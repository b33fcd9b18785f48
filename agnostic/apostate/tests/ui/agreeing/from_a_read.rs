use apostate::prelude::*;
use std::time::Duration;

mod stock {
    use apostate::prelude::*;
    use std::time::Duration;

    #[entity(name = "stock")]
    #[derive(Default, Serialize, Deserialize)]
    pub struct Stock {
        on_hand: u32,
    }

    #[handlers]
    impl Stock {
        #[tentative(confirm = sell, cancel = put_back)]
        pub fn reserve(&mut self, units: u32) -> Result<(), Refusal> {
            refuse!(self.on_hand < units, "only {} left", self.on_hand);
            self.on_hand -= units;
            Ok(())
        }

        fn sell(&mut self, _units: u32) {}

        fn put_back(&mut self, units: u32) {
            self.on_hand += units;
        }

        /// A price is offered, and one is told to the confirm.
        #[tentative(confirm = buy, cancel = forget)]
        pub fn price(&mut self) -> Result<u64, Refusal> {
            Ok(7)
        }

        fn buy(&mut self, _price: u64) {}

        fn forget(&mut self) {}

        #[tentative(confirm = keep, cancel = free, self_expire = Duration::from_secs(900))]
        pub fn lend(&mut self) -> Result<(), Refusal> {
            Ok(())
        }

        fn keep(&mut self) {}

        fn free(&mut self) {}

        pub fn take(&mut self, units: u32) -> Result<(), Refusal> {
            refuse!(self.on_hand < units, "only {} left", self.on_hand);
            Ok(())
        }
    }
}

use stock::Stock;

#[entity(name = "order")]
#[derive(Default, Serialize, Deserialize)]
pub struct Order {}

#[handlers]
impl Order {
    #[open]
    pub fn place(&self, tx: &Tx) {
        let time = Duration::from_secs(900);
        tx.propose(Agreement::within(time).ask(Stock::at("tea").reserve(1)).then(Self::DECIDED));
    }

    #[on]
    fn decided(&mut self, outcome: Outcome) {
        drop(outcome);
    }

    #[on]
    fn on_level(&mut self, answer: Answer<()>) {
        drop(answer);
    }
}

fn main() {}
