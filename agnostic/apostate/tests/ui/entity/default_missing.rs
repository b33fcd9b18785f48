use apostate::prelude::*;

#[entity(name = "stock")]
#[derive(Serialize, Deserialize)]
pub struct Stock {
    on_hand: u32,
}

fn main() {}
