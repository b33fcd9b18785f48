//! Every interleaving of a few messages: models that are small enough to be taken to exhaustion.
//!
//! A simulation runs the real code through long stories, and sees few of all the stories there are. A model is the
//! other way round: a handful of messages, partitions and misfortunes, and *every* order in which they can happen. Three
//! protocols are hard enough to deserve one:
//!
//! - [`delivery`]: applied once and in order, while receivers and senders crash, split, merge and move. It keeps its
//!   watermarks with the project's own `rectangles.rs`, not with a copy.
//! - [`fencing`]: several writers of one log that answers late, not at all, or after it was given up.
//! - [`agreements`]: tentative operations and their one ending, built on delivery that is proven.
//!
//! ```text
//!   scenario ──▶ model ──▶ every state that can be reached ──▶ every property, in each of them
//!                  ▲
//!                wrong: one rule broken on purpose, which the same properties have to refute
//! ```
//!
//! A model that cannot fail proves nothing, so each rule that matters has its broken twin in a `wrong.rs`, and the
//! tests demand a counterexample for every one of them. What was counted, and what was found, is in
//! `docs/design/models.md`; what agreements have to keep, in `docs/design/agreements.md`.
//!
//! Invariants E1, E2, E4, E6, P1, P2, P3, P6.

pub mod agreements;
mod count;
pub mod delivery;
pub mod fencing;
mod report;

pub use crate::count::Count;
pub use crate::report::{Report, check};
