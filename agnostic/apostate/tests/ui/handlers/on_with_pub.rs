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
    pub fn on_refused(&mut self, refused: Refused) {
        drop(refused);
    }
}

fn main() {}
