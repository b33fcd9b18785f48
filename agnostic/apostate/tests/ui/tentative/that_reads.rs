use apostate::prelude::*;

#[data]
pub struct Hold {
    units: u32,
}

#[entity(name = "stock")]
#[derive(Default, Serialize, Deserialize)]
pub struct Stock {
    on_hand: u32,
}

#[handlers]
impl Stock {
    #[tentative(confirm = sell, cancel = put_back)]
    pub fn reserve(&self, hold: Hold) -> Result<(), Refusal> {
        refuse!(self.on_hand < hold.units, "only {} left", self.on_hand);
        Ok(())
    }

    fn sell(&mut self, hold: Hold) {
        drop(hold);
    }

    fn put_back(&mut self, hold: Hold) {
        drop(hold);
    }
}

fn main() {}
