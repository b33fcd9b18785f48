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
    pub fn receive<N: Into<u32>>(&mut self, units: N) {
        self.on_hand += units.into();
    }
}

fn main() {}
