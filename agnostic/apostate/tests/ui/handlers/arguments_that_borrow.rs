#![allow(unused_variables)]

use apostate::prelude::*;

#[entity(name = "stock")]
#[derive(Default, Serialize, Deserialize)]
pub struct Stock {
    on_hand: u32,
}

#[handlers]
impl Stock {
    #[open]
    pub fn label(&mut self, text: &str) {}

    #[open]
    pub fn receive_all(&mut self, units: &[u32]) {}

    #[open]
    pub fn note(&mut self, text: Option<&str>) {}

    #[open]
    pub fn any(&mut self, text: impl Into<String>) {}
}

fn main() {}
