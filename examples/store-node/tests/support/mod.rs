//! Code that the tests of the store share: a made-up log of orders, the expected result, and the program to run.
//!
//! Nothing here uses the store's own arithmetic; the expected tables are computed from the lines with maps.

#![allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]

pub mod expected;
pub mod made_up;
pub mod program;
pub mod served;
