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
    #[tentative(confirm = sell, undo = put_back)]
    pub fn reserve(&mut self, hold: Hold) -> Result<(), Refusal> {
        self.on_hand -= hold.units;
        Ok(())
    }

    fn sell(&mut self, hold: Hold) {
        drop(hold);
    }

    fn put_back(&mut self, hold: Hold) {
        self.on_hand += hold.units;
    }
}

fn main() {}
