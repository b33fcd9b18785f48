#![allow(unused_variables)]

use apostate::prelude::*;

#[derive(Default)]
pub struct Stock {
    on_hand: u32,
}

#[handlers]
impl Stock {
    #[open]
    pub fn receive(&mut self, units: u32) {
        self.on_hand += units;
    }
}

fn main() {}
