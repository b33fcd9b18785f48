use apostate::prelude::*;

#[data]
pub struct Line {
    amount: Amount,
    #[schemars(with = "u64")]
    net: Amount,
}

#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub struct Amount(u64);

fn main() {}
