use apostate::prelude::*;

#[entity]
#[derive(Default, Serialize, Deserialize)]
pub struct OrderLine {
    units: u32,
}

fn main() {}
