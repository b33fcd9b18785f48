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
    pub fn available(&self, tx: &mut Tx) -> u32 {
        tx.delete();
        self.on_hand
    }
}

fn main() {}
