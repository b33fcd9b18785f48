#![allow(unused_variables)]

use apostate::prelude::*;

#[entity(name = "stock")]
#[derive(Default, Serialize, Deserialize)]
pub struct Stock {
    on_hand: u32,
}

#[handlers]
impl Stock {
    #[on]
    fn on_refused(&mut self, refused: Refused) -> u32 {
        self.on_hand
    }

    #[on]
    fn on_told(&self, refused: Refused) {}
}

fn main() {}
