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
    fn on_refused(&mut self, tx: &mut Tx, refused: Refused, again: bool) {}

    #[on]
    fn on_nothing(&mut self) {}
}

fn main() {}
