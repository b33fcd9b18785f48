use apostate::prelude::*;

#[entity(name = "stock", table = "stocks")]
#[derive(Default, Serialize, Deserialize)]
pub struct Stock {
    on_hand: u32,
}

fn main() {}
