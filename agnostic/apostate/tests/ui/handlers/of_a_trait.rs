#![allow(unused_variables)]

use apostate::prelude::*;

#[entity(name = "stock")]
#[derive(Default, Serialize, Deserialize)]
pub struct Stock {
    on_hand: u32,
}

pub trait Receives {
    fn receive(&mut self, units: u32);
}

#[handlers]
impl Receives for Stock {
    fn receive(&mut self, units: u32) {
        self.on_hand += units;
    }
}

fn main() {}
