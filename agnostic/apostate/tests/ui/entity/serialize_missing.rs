use apostate::prelude::*;

#[entity(name = "stock")]
#[derive(Default)]
pub struct Stock {
    on_hand: u32,
}

fn main() {}
