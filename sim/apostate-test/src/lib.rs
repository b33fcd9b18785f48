//! The authors' test kit: entities of your own in a world where everything goes wrong, from one seed.
//!
//! ```text
//!   the test ──▶ ┌──────┐  messages   ┌───────┐      every entity has a node of its own; between any two
//!                │ stock│ ──────────▶ │ order │      of them messages are late, lost on the way, sent again;
//!                └──────┘ ◀────────── └───────┘      nodes crash before and after their commits
//! ```
//!
//! A seed runs three times. Twice in a world where *no two entities are neighbours* (`isolated`), in which every message is
//! run on the value in memory and on the one that its encoding gives, and both runs of the seed have to be the same.
//! Once on the platform's own partitions over a random map (`partitioned`), with crashes, lost frames and repeated calls.
//! What the test asserts has to hold in all three.
//!
//! What it is not: a proof, a server, or a simulation of the platform's own faults (that is `apostate-sim`). Partitions
//! do not split or merge while a seed runs, as the platform's do not yet: every seed draws another map instead.
//!
//! Reading order: the guide below; `seeds.rs` tells the life of a seed; `world.rs` is what a test sees; `isolated.rs` and
//! `partitioned.rs` are the two worlds; `twins.rs` runs one message twice and names what differs.
//!
//! Invariants E1, E2, E3, E6, P5, as an author sees them. Paper: *Messaging across entities*.
#![doc = include_str!("../docs/testing.md")]

mod call;
mod failure;
mod faults;
mod finding;
mod isolated;
mod names;
mod partitioned;
mod plan;
mod seeds;
mod simulation;
mod trace;
mod twins;
mod world;

pub use crate::call::Ending;
pub use crate::failure::Failure;
pub use crate::faults::Faults;
pub use crate::finding::Finding;
pub use crate::seeds::{Report, Seeds, Trial};
pub use crate::world::{Found, World};
