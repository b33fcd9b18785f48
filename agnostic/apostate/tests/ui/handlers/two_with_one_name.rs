#![allow(unused_variables)]

use apostate::prelude::*;

#[entity(name = "stock")]
#[derive(Default, Serialize, Deserialize)]
pub struct Stock {
    on_hand: u32,
}

#[handlers]
impl Stock {
    #[open(name = "receive")]
    pub fn take_in(&mut self, units: u32) {
        self.on_hand += units;
    }

    #[open]
    pub fn receive(&mut self, units: u32) {
        self.on_hand += units;
    }

    #[on(name = "receive")]
    fn told(&mut self, refused: Refused) {}
}

fn main() {}
