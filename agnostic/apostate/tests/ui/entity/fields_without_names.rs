use apostate::prelude::*;

#[entity(name = "counter")]
#[derive(Default, Serialize, Deserialize)]
pub struct Counter(u64);

fn main() {}
