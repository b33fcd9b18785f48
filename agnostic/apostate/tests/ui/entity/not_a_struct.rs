use apostate::prelude::*;

#[entity(name = "light")]
#[derive(Default, Serialize, Deserialize)]
pub enum Light {
    #[default]
    Red,
    Green,
}

fn main() {}
