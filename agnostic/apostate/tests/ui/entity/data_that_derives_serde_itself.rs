use apostate::prelude::*;

#[data]
#[derive(Clone, Serialize)]
pub struct Line {
    units: u32,
}

fn main() {}
