use apostate::prelude::*;

#[entity(name = "order")]
#[derive(Default, Serialize, Deserialize)]
pub struct Order {
    placed: Option<Later<u32>>,
}

#[handlers]
impl Order {
    #[tentative(confirm = sell, cancel = put_back)]
    pub fn reserve(&mut self, tx: &mut Tx, units: u32) -> Result<Later<u32>, Refusal> {
        refuse!(units == 0, "nothing");
        Ok(tx.later())
    }

    fn sell(&mut self, _units: u32) {}

    fn put_back(&mut self, _units: u32) {}
}

fn main() {}
