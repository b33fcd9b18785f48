use apostate::prelude::*;

#[entity(name = "order")]
#[derive(Default, Serialize, Deserialize)]
pub struct Order {
    placed: Option<Later<u32>>,
}

#[handlers]
impl Order {
    pub fn place(&mut self, tx: &mut Tx) -> Later<u32> {
        tx.later()
    }

    #[open]
    pub fn ask(&mut self, tx: &mut Tx) {
        tx.ask(Self::at("other").place()).within(std::time::Duration::from_secs(1)).then(Self::ON_PLACED);
    }

    #[on]
    fn on_placed(&mut self, answer: Answer<String>) {
        drop(answer);
    }
}

fn main() {}
