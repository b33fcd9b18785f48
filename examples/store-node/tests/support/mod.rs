//! What the tests of the store share: a made-up log of orders, what must come of it, and the program to run.
//!
//! Nothing here uses the store's own arithmetic; the expected tables are computed from the lines with maps.

#![allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]

pub mod expected;
pub mod made_up;
pub mod program;
pub mod served;
