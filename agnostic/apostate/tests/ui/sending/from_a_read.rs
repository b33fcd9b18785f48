use apostate::prelude::*;

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

        #[open]
        pub fn take(&mut self, units: u32) -> Result<(), Refusal> {
            refuse!(self.on_hand < units, "only {} left", self.on_hand);
            self.on_hand -= units;
            Ok(())
        }

        pub fn count(&mut self) {}

        #[on]
        fn on_refused(&mut self, refused: Refused) {
            drop(refused);
        }

        fn level(&self) -> u32 {
            self.on_hand
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
        tx.send(Stock::at("tea").count());
    }
}

fn main() {}
