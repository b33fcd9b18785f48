use apostate::prelude::*;

pub struct Amount(u64);

#[entity(name = "stock")]
#[derive(Default, Serialize, Deserialize)]
pub struct Stock {
    on_hand: u32,
    price: Option<Amount>,
}

fn main() {}
