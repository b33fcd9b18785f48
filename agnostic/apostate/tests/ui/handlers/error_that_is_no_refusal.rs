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
    pub fn take(&mut self, units: u32) -> Result<(), String> {
        self.on_hand = self.on_hand.checked_sub(units).ok_or("too few")?;
        Ok(())
    }
}

fn main() {}
