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
    pub fn on_hand(&self) -> &u32 {
        &self.on_hand
    }
}

fn main() {}
