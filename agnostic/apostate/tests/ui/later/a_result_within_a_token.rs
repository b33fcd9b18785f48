use apostate::prelude::*;

#[entity(name = "order")]
#[derive(Default, Serialize, Deserialize)]
pub struct Order {
    placed: Option<Later<u32>>,
}

#[handlers]
impl Order {
    #[open]
    pub fn place(&mut self, tx: &mut Tx) -> Later<Result<u32, Refusal>> {
        tx.later()
    }
}

fn main() {}
