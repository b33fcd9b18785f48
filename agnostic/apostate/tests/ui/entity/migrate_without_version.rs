use apostate::prelude::*;

#[entity(name = "stock", migrate = Stock::older)]
#[derive(Default, Serialize, Deserialize)]
pub struct Stock {
    on_hand: u32,
}

fn main() {}
