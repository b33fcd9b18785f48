use apostate::prelude::*;

#[entity(name = "stock", name = "goods")]
#[derive(Default, Serialize, Deserialize)]
pub struct Stock {
    on_hand: u32,
}

fn main() {}
