use apostate::prelude::*;

#[entity(name = "order")]
#[derive(Default, Serialize, Deserialize)]
pub struct Order {
    placed: Option<Later<u32>>,
}

#[handlers]
impl Order {
    #[open]
    pub fn place(&mut self) -> Later<u32> {
        self.placed.clone().unwrap()
    }
}

fn main() {}
