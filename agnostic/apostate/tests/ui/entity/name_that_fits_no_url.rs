use apostate::prelude::*;

#[entity(name = "Order/Line")]
#[derive(Default, Serialize, Deserialize)]
pub struct OrderLine {
    units: u32,
}

fn main() {}
