use apostate::prelude::*;
use apostate::schemars::JsonSchema;

#[data]
#[derive(JsonSchema)]
pub struct Line {
    units: u32,
}

fn main() {}
