use apostate::prelude::*;

#[entity(name = "order")]
#[derive(Default, Serialize, Deserialize)]
pub struct Order {
    placed: Option<Later<u32>>,
}

#[handlers]
impl Order {
    #[on]
    fn placed(&mut self, tx: &mut Tx, answer: Answer<u32>) -> Later<u32> {
        drop(answer);
        tx.later()
    }
}

fn main() {}
