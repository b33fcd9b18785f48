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
    pub fn receive(&mut self, (units, bonus): (u32, u32)) {
        self.on_hand += units + bonus;
    }
}

fn main() {}
