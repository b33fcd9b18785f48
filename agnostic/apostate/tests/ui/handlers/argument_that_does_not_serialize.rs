#![allow(unused_variables)]

use apostate::prelude::*;

#[entity(name = "stock")]
#[derive(Default, Serialize, Deserialize)]
pub struct Stock {
    on_hand: u32,
}

#[handlers]
impl Stock {
    #[open]
    pub fn receive(&mut self, delivery: Delivery) {
        self.on_hand += delivery.units;
    }
}

fn main() {}

pub struct Delivery {
    units: u32,
}
