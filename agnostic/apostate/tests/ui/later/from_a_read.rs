use apostate::prelude::*;

#[entity(name = "order")]
#[derive(Default, Serialize, Deserialize)]
pub struct Order {
    placed: Option<Later<u32>>,
}

#[handlers]
impl Order {
    #[open]
    pub fn place(&self, tx: &Tx) -> Later<u32> {
        tx.later()
    }
}

fn main() {}
