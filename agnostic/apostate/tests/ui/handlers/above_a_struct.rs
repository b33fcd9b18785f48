#![allow(unused_variables)]

use apostate::prelude::*;

#[handlers]
pub struct Stock {
    on_hand: u32,
}

fn main() {}
