use apostate::prelude::*;

#[entity(name = "order")]
#[derive(Default, Serialize, Deserialize)]
pub struct Order {
    placed: Option<Later<u32>>,
}

#[handlers]
impl Order {
    #[open]
    pub fn place(&mut self, tx: &mut Tx) -> Later<u32> {
        tx.later()
    }

    #[open]
    pub fn end(&mut self, tx: &mut Tx) {
        if let Some(later) = self.placed.take() {
            tx.answer(later, "done");
        }
    }
}

fn main() {}
