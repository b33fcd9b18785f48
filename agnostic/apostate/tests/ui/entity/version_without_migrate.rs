use apostate::prelude::*;

#[entity(name = "stock", version = 2)]
#[derive(Default, Serialize, Deserialize)]
pub struct Stock {
    on_hand: u32,
}

fn main() {}
