use apostate::prelude::*;
use std::time::Duration;

mod stock {
    use apostate::prelude::*;

    #[entity(name = "stock")]
    #[derive(Default, Serialize, Deserialize)]
    pub struct Stock {
        on_hand: u32,
    }

    #[handlers]
    impl Stock {
        #[open]
        pub fn available(&self) -> u32 {
            self.on_hand
        }

        pub fn take(&mut self, units: u32) -> Result<u32, Refusal> {
            refuse!(self.on_hand < units, "only {} left", self.on_hand);
            self.on_hand -= units;
            Ok(self.on_hand)
        }

        #[on]
        fn on_level(&mut self, answer: Answer<u32>) {
            drop(answer);
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
    pub fn place(&mut self, tx: &mut Tx) {
        tx.ask(Stock::at("tea").take(1)).within(Duration::from_secs(1)).then(Stock::ON_LEVEL);
    }

    #[on]
    fn on_level(&mut self, level: Answer<u32>) {
        drop(level);
    }
}

fn main() {}
